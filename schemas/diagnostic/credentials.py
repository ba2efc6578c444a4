"""5xx: credentials."""
