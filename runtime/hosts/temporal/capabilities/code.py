"""Code of authors in child processes of the worker."""

from typing import Any

from runtime.contract.capabilities import Code
from runtime.contract.capabilities.code import Helpers
from runtime.hosts.temporal.resources import WorkerResources
from runtime.sandbox.runner import CodeRunner
from schemas.item import Items
from schemas.task import Task


class WorkerCode(Code):
    """The worker's sandboxes, with the snapshot and for the tenant of the task."""

    def __init__(self, runner: CodeRunner, task: Task) -> None:
        self._runner, self._task = runner, task

    async def run(
        self,
        language: str,
        code: str,
        mode: str,
        *,
        items: Items | None = None,
        continue_on_fail: bool = False,
        helpers: Helpers | None = None,
    ) -> dict[str, Any]:
        """In a child process."""
        return await self._runner.run(
            self._task, language, code, mode, items=items, continue_on_fail=continue_on_fail, helpers=helpers
        )


def provide(resources: WorkerResources, task: Task) -> WorkerCode:
    """Return the sandboxes of a task."""
    return WorkerCode(resources.code, task)
