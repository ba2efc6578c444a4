"""Output parsers, and what they share: schemas of answers and the reading of a model's text."""
