"""Todoist: tasks, projects and sections."""
