"""SIGNL4."""
