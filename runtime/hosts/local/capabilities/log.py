"""No log."""

from typing import Any

from runtime.contract.capabilities import Log
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoLog(Log):
    """Nothing is written."""

    def info(self, event: str, **facts: Any) -> None:
        """Drop it."""


def provide(resources: OfflineResources, task: Task) -> NoLog:
    """Return the log of a task."""
    del resources, task
    return NoLog()
