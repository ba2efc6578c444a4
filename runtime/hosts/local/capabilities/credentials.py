"""Credentials that the run was begun with."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from runtime.contract import MissingCredential
from runtime.contract.capabilities import AskForToken, Credentials
from runtime.contract.errors import require_credential
from runtime.hosts.local.offline import OfflineResources, root_execution
from schemas.task import Task


class PreparedCredentials(Credentials):
    """By type, whatever name the step gives; there are no others."""

    def __init__(self, by_type: Mapping[str, Any], step: Mapping[str, Any]) -> None:
        self._by_type, self._step = by_type, step

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """The same for all items."""
        del item, restricted
        if type_ in self._by_type:
            return self._by_type[type_]  # type: ignore[no-any-return]  # a case is JSON
        require_credential(self._step, type_)
        raise MissingCredential(f"Node '{self._step['name']}' needs the credential {type_}, and this run is offline")

    async def renew(self, type_: str, data: Mapping[str, Any], ask: AskForToken) -> dict[str, Any]:
        """For this step alone."""
        del type_
        return await ask(data)

    async def token(self, key: str, ask: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """Asked for every time."""
        del key
        return (await ask())[0]


def provide(resources: OfflineResources, task: Task) -> PreparedCredentials:
    """Return the credentials of a task."""
    return PreparedCredentials(resources.credentials.get(root_execution(task), {}), task["step"])
