"""PDF Vector."""
