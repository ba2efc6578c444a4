"""Findings as text, JSON, SARIF, annotations; plans as pictures."""
