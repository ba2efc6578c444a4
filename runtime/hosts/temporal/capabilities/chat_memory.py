"""Chat messages in Postgres."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.contract.capabilities import ChatMemory
from runtime.hosts.temporal.resources import WorkerResources
from schemas.task import Task
from service.chat_memory import ChatMemoryStore


class WorkerChatMemory(ChatMemory):
    """The chat messages of the task's tenant."""

    def __init__(self, store: ChatMemoryStore, tenant: str) -> None:
        self._store, self._tenant = store, tenant

    async def load(self, key: str, limit: int) -> list[dict[str, Any]]:
        """From the table."""
        return await self._store.load(self._tenant, key, limit)

    async def append(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Into the table."""
        await self._store.append(self._tenant, key, messages)

    async def replace(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """In the table."""
        await self._store.append(self._tenant, key, messages, instead=True)


def provide(resources: WorkerResources, task: Task) -> WorkerChatMemory:
    """Return the chat memory of a task."""
    return WorkerChatMemory(ChatMemoryStore(resources.database), task["meta"]["tenant"])
