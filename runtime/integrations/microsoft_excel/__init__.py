"""Microsoft Excel."""
