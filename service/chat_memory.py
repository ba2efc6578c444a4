"""Chat messages that AI agents remember between runs, in Postgres."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.platform.postgres import Database

__all__ = ["ChatMemoryStore"]

MAX_MESSAGES: Final = 1000
"""Messages that one `load` returns at most."""


class ChatMemoryStore:
    """Chat messages by tenant and session key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tenant: str, key: str, limit: int) -> list[dict[str, Any]]:
        """Return the last `limit` messages of a session, oldest first. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select message from chat_memory where tenant_id = %s and session_key = %s order by sequence desc limit %s",
                (tenant, key, min(limit, MAX_MESSAGES)),
            )
            return [row["message"] for row in reversed(await cursor.fetchall())]

    async def append(self, tenant: str, key: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """Add messages to a session; one whose `id` is there already came from an attempt that was cut off.

        Raises DatabaseUnavailable: nothing was added.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            for message in messages:
                await connection.execute(
                    "insert into chat_memory (tenant_id, session_key, message) select %s, %s, %s where not exists"
                    " (select 1 from chat_memory where tenant_id = %s and session_key = %s and message->>'id' = %s)",
                    (tenant, key, json.dumps(dict(message)), tenant, key, message.get("id")),
                )
