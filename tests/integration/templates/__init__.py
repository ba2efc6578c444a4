"""Templates on real servers."""
