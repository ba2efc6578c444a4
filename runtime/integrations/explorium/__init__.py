"""Explorium."""
