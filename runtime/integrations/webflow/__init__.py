"""Webflow."""
