"""Facebook Graph API."""
