"""The `tempor8` command, and the only place that wires the halves."""
