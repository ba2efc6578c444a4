"""VLM Run."""
