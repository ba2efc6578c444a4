"""HTTP without a network."""
