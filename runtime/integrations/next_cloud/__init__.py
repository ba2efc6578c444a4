"""Nextcloud."""
