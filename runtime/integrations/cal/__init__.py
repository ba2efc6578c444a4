"""Cal.com."""
