"""APITemplate.io."""
