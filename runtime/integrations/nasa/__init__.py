"""NASA."""
