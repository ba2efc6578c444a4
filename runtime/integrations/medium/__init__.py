"""Medium."""
