"""Asana: tasks and projects."""
