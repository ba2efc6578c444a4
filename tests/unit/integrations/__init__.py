"""The language of descriptors."""
