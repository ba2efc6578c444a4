"""Google Analytics."""
