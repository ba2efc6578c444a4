"""Airtop."""
