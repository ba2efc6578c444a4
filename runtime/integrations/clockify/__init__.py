"""Clockify."""
