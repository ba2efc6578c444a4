"""The REST API: one controller per noun, tenancy, and webhooks."""
