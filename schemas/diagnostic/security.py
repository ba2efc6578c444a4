"""7xx: security."""
