"""The templates in `n8n_exports/`."""
