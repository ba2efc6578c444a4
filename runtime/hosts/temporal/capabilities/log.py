"""Log lines of the worker."""

from typing import Any

from runtime.contract.capabilities import Log
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.telemetry.logging import get_logger
from schemas.task import Task

_log = get_logger(__name__)


class WorkerLog(Log):
    """Lines that name the task's node and execution."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def info(self, event: str, **facts: Any) -> None:
        """A structured line."""
        _log.info(event, node=self._task["step"]["name"], execution_id=self._task["meta"]["execution_id"], **facts)


def provide(resources: WorkerResources, task: Task) -> WorkerLog:
    """Return the log of a task."""
    del resources
    return WorkerLog(task)
