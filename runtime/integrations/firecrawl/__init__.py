"""Firecrawl."""
