"""Blotato, a community node."""
