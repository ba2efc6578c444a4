"""Conversations that last as long as the run."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.contract.capabilities import ChatMemory
from runtime.hosts.local.offline import OfflineResources, root_execution
from schemas.task import Task


class RunChatMemory(ChatMemory):
    """The conversations of one execution: a run and its sub-workflows share them."""

    def __init__(self, chats: dict[str, list[dict[str, Any]]]) -> None:
        self._chats = chats

    async def load(self, key: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest messages of a session, oldest first."""
        return self._chats.get(key, [])[-limit:] if limit > 0 else []

    async def append(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Add messages to a session."""
        self._chats.setdefault(key, []).extend(map(dict, messages))

    async def replace(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Put messages in place of those of a session."""
        self._chats[key] = list(map(dict, messages))


def provide(resources: OfflineResources, task: Task) -> RunChatMemory:
    """Return the chat memory of a task."""
    return RunChatMemory(resources.chats[root_execution(task)])
