"""uProc."""
