"""Code of authors in child processes of the worker."""

from typing import Any

from runtime.contract import NodeError
from runtime.contract.capabilities import Code
from runtime.contract.capabilities.code import LIBRARY, Helpers
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.shares import patience
from runtime.sandbox.runner import CodeRunner
from schemas.item import Items
from schemas.task import Task


class WorkerCode(Code):
    """The worker's sandboxes, with the snapshot and for the tenant of the task."""

    def __init__(self, runner: CodeRunner, task: Task, *, allowed: bool = True) -> None:
        self._runner, self._task, self._allowed = runner, task, allowed

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
        """In a child process, once the tenant has a slot. Raise NodeError when the operator has switched the code of this tenant's authors off."""
        if not self._allowed and mode != LIBRARY:
            raise NodeError(
                "Code nodes are switched off",
                description="The operator of this service has switched them off for this tenant (TEMPOR8_CODE).",
            )
        return await self._runner.run(
            self._task, language, code, mode, items=items, continue_on_fail=continue_on_fail, helpers=helpers,
            patience=patience(),
        )  # fmt: skip


def provide(resources: WorkerResources, task: Task) -> WorkerCode:
    """Return the sandboxes of a task."""
    return WorkerCode(resources.code, task, allowed=resources.settings.may_run_code(task["meta"]["tenant"]))
