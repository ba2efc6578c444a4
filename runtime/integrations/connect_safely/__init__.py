"""ConnectSafely."""
