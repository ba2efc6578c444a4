"""QuickBooks."""
