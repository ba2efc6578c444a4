"""n8n, by its public API."""
