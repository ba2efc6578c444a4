"""6xx: limits of Temporal and of this service."""
