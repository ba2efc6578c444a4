"""Triggers of vendors: registered at the vendor while their template is active, or polls that ask it."""
