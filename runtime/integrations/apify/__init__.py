"""Apify, a community node."""
