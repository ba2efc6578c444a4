"""Google Tasks: tasks of a list."""
