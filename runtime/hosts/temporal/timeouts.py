"""Time-outs and retry policies of the Temporal host's activities."""

from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

__all__ = [
    "ACTIVITY_TIMEOUT",
    "CRASH_RETRY",
    "HEARTBEAT_TIMEOUT",
    "LOCAL_ACTIVITY_TIMEOUT",
    "LOCAL_RETRY_THRESHOLD",
    "NO_RETRY",
]

HEARTBEAT_TIMEOUT: Final = timedelta(seconds=6)
"""An activity whose worker was killed runs again after this long. A worker that starves for a processor misses beats, too: with
3 s, every step of a busy minute was tried again and again."""
ACTIVITY_TIMEOUT: Final = timedelta(hours=24)
"""The longest step."""
LOCAL_ACTIVITY_TIMEOUT: Final = timedelta(minutes=2)
"""The longest step that runs as a local activity."""
LOCAL_RETRY_THRESHOLD: Final = timedelta(seconds=1)
"""A local activity whose next try is further away waits for it by a timer. Without one the worker holds a slot for workflow
tasks all the while, so that a hundred runs that wait for Postgres keep every other run from going on."""
CRASH_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))
"""Only deaths of workers (see `heartbeats` and `deaths`) and servers that are away are retried here: a node's own
error comes back as a result, and n8n's retries are the engine's."""
NO_RETRY: Final = RetryPolicy(maximum_attempts=1)
"""For a step that its author wants at most once."""
