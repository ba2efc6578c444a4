"""Hunter: mail addresses of a domain."""
