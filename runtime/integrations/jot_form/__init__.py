"""Jotform."""
