"""Baserow."""
