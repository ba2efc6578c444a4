"""Clearbit."""
