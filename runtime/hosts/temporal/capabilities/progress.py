"""Heartbeats of the running activity."""

from collections.abc import Sequence
from typing import Any

from runtime.contract.capabilities import Progress
from runtime.hosts.temporal.heartbeats import heartbeat, progress
from runtime.hosts.temporal.resources import WorkerResources
from schemas.task import Task


class WorkerProgress(Progress):
    """The activity that runs the task; nothing outside one (transient runs, local activities)."""

    def heartbeat(self, *details: Any) -> None:
        """To Temporal."""
        heartbeat(*details)

    def details(self) -> Sequence[Any]:
        """From Temporal."""
        return progress()


def provide(resources: WorkerResources, task: Task) -> WorkerProgress:
    """Return the progress of a task."""
    del resources, task
    return WorkerProgress()
