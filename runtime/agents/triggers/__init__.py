"""Triggers that start a run with a chat message."""
