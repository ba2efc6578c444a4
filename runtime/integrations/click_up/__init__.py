"""ClickUp: tasks, lists, folders and comments."""
