"""Perplexity: answers with sources."""
