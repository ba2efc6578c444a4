"""Exports in, findings and plans out, compared with files."""
