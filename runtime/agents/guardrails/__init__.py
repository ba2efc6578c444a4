"""Guardrails: what a text may not contain, by patterns, word lists and a model's judgement."""
