"""HighLevel."""
