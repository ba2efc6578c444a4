"""Capability: chat messages that last between runs."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["ChatMemory"]


class ChatMemory(Protocol):
    """Chat messages of the tenant, each list under a key (the session)."""

    async def load(self, key: str, limit: int) -> list[dict[str, Any]]:
        """Return the last `limit` messages under a key, oldest first."""

    async def append(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Add messages under a key. A message whose `id` is there already is not added again."""

    async def replace(self, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Put messages in place of all those under a key."""
