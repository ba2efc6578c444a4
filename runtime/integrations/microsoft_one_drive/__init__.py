"""Microsoft OneDrive."""
