"""How long tests wait for what must happen: one figure for all of them.

A machine that does five things at once is five times as slow, and waiting longer costs a test that passes nothing. So a limit says
only when a test gives up, never how fast the code is. `tests.architecture.test_patience` holds tests to it.
"""

from typing import Final

PATIENCE: Final = 120.0
"""Seconds until a test gives up waiting. pytest's own time-out (pyproject.toml) is longer, so that the test's message is the one seen."""


def attempts(pause: float) -> range:
    """Return the looks of a loop that sleeps `pause` seconds after each: as many as PATIENCE has room for."""
    return range(int(PATIENCE / pause))
