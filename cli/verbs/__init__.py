"""The verbs of `tempor8`, one file each."""
