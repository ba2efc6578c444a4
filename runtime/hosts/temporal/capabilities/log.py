"""Log lines of the worker."""

from typing import Any

from runtime.contract.capabilities import Log
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.telemetry.logging import get_logger
from schemas.task import Task

_log = get_logger(__name__)


class WorkerLog(Log):
    """Lines that carry tenant, run, step and try: the host binds them while a task runs."""

    def info(self, event: str, **facts: Any) -> None:
        """Write a structured line."""
        _log.info(event, **facts)


def provide(resources: WorkerResources, task: Task) -> WorkerLog:
    """Return the log of a task."""
    del resources, task
    return WorkerLog()
