"""Credentials from the tenant's store."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import MissingCredential
from runtime.contract.capabilities import Credentials
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.credentials import CredentialMissing
from schemas.task import Task


class WorkerCredentials(Credentials):
    """The credentials that the task's step names."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._store, self._task = resources.credentials, task

    async def get(self, type_: str, item: int = 0) -> Mapping[str, Any]:
        """The same for all items."""
        del item
        step = self._task["step"]
        reference = step["credentials"].get(type_)
        if reference is None:
            raise MissingCredential(f"Node '{step['name']}' has no credential of type {type_} set")
        name = reference.get("name") or reference.get("id") or ""
        try:
            return await self._store.get(self._task["meta"]["tenant"], type_, name)
        except CredentialMissing as error:
            raise MissingCredential(str(error)) from error


def provide(resources: WorkerResources, task: Task) -> WorkerCredentials:
    """Return the credentials of a task."""
    return WorkerCredentials(resources, task)
