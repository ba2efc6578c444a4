"""Find expressions, programs and settings in an export."""
