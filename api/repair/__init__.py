"""Repair of many runs: failures by cause, runs that are stuck, retry by filter."""
