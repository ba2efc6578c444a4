"""Dropcontact."""
