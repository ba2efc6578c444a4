"""API keys of a tenant: list, issue, rotate, revoke."""
