"""Tests of the sandboxes of Code nodes."""
