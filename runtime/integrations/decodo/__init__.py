"""Decodo, a community node."""
