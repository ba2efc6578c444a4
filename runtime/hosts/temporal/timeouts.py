"""Time-outs and retry policies of the Temporal host's activities."""

from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

__all__ = [
    "ACTIVITY_TIMEOUT",
    "CRASH_RETRY",
    "HEARTBEAT_TIMEOUT",
    "NO_RETRY",
    "SHORT_ACTIVITY_TIMEOUT",
]

HEARTBEAT_TIMEOUT: Final = timedelta(seconds=6)
"""An activity whose worker was killed runs again after this long. A worker that starves for a processor misses beats, too: with
3 s, every step of a busy minute was tried again and again."""
ACTIVITY_TIMEOUT: Final = timedelta(hours=24)
"""The longest step."""
SHORT_ACTIVITY_TIMEOUT: Final = timedelta(seconds=30)
"""A look-up or a note in the database that did not end as a local activity. It sends no heartbeats: a worker that was killed is missed
after this long."""
CRASH_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))
"""Only deaths of workers (see `heartbeats` and `deaths`) and servers that are away are retried here: a node's own
error comes back as a result, and n8n's retries are the engine's."""
NO_RETRY: Final = RetryPolicy(maximum_attempts=1)
"""For a step that its author wants at most once, and for local activities."""
