"""No chat memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.contract.capabilities import ChatMemory
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoChatMemory(ChatMemory):
    """Nothing is remembered."""

    async def load(self, key: str, limit: int) -> list[dict[str, Any]]:
        """Nothing."""
        del key, limit
        return []

    async def append(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Forget them."""

    async def replace(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Forget them."""


def provide(resources: OfflineResources, task: Task) -> NoChatMemory:
    """Return the chat memory of a task."""
    del resources, task
    return NoChatMemory()
