"""No heartbeats."""

from collections.abc import Sequence
from typing import Any

from runtime.contract.capabilities import Progress
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoProgress(Progress):
    """A run in this process has one attempt."""

    def heartbeat(self, *details: Any) -> None:
        """Drop them."""

    def details(self) -> Sequence[Any]:
        """None."""
        return ()


def provide(resources: OfflineResources, task: Task) -> NoProgress:
    """Return the progress of a task."""
    del resources, task
    return NoProgress()
