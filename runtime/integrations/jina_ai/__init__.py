"""Jina AI."""
