"""Runs: start, status, result, history, events, cancel, retry."""
