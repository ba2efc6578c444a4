"""Mistral AI."""
