"""Effective parameters of a node, and the hooks of its class."""
