"""The operator's plane: tenants and their keys, under a key of its own."""
