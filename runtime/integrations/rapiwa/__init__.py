"""Rapiwa."""
