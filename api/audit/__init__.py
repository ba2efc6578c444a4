"""The audit log of the API: a middleware that writes it, and the address where it is read."""
