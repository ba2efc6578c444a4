"""BambooHR."""
