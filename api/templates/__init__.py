"""Templates: publish, versions, activate, check."""
