"""Code of authors in child processes of this one."""

from typing import Any

from runtime.contract.capabilities import Code
from runtime.contract.capabilities.code import Helpers
from runtime.hosts.local.offline import OfflineResources
from schemas.item import Items
from schemas.task import Task


class LocalCode(Code):
    """The same sandboxes as a worker's."""

    def __init__(self, resources: OfflineResources, task: Task) -> None:
        self._resources, self._task = resources, task

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
        return await self._resources.code_runner().run(
            self._task, language, code, mode, items=items, continue_on_fail=continue_on_fail, helpers=helpers
        )


def provide(resources: OfflineResources, task: Task) -> LocalCode:
    """Return the sandboxes of a task."""
    return LocalCode(resources, task)
