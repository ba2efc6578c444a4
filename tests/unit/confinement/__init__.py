"""The walls around child processes."""
