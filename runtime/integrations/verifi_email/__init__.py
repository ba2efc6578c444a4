"""VerifiEmail."""
