"""Chat messages that AI agents remember between runs, in Postgres."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.platform.postgres import Database
from service.columns import Columns

__all__ = ["ChatMemoryStore"]

MAX_MESSAGES: Final = 1000
"""Messages that one `load` returns at most."""

LOAD: Final = """
    select m.message, m.sealed, m.message_digest from unnest(%(sessions)s::text[]) as session (key) cross join lateral (
        select message, sealed, message_digest, sequence from chat_memory
        where tenant_id = %(tenant)s and session_key = session.key order by sequence desc limit %(limit)s) as m
    order by m.sequence desc limit %(limit)s"""
"""Of each form of the session key the last messages, in the order of the primary key."""
INSERT: Final = """
    insert into chat_memory (tenant_id, session_key, message, sealed, message_digest)
    select %(tenant)s, %(session)s, %(message)s, %(sealed)s, %(digest)s
    where not exists (
        select from chat_memory where tenant_id = %(tenant)s and session_key = any(%(sessions)s)
        and message_digest = any(%(digests)s::bytea[]))
    and not exists (
        select from chat_memory where tenant_id = %(tenant)s and session_key = any(%(sessions)s) and message is not null
        and case when position('\\u0000' in message::text) = 0 then message ->> 'id' end = %(id)s)"""
"""Two questions, each with an index of its own: for sealed messages, and for those in clear, which go. Of JSON with a NUL character
Postgres reads no member."""


class ChatMemoryStore:
    """Chat messages by tenant and session. Session key and message id are stored as keyed hashes of the tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tenant: str, key: str, limit: int) -> list[dict[str, Any]]:
        """Return the last `limit` messages of a session, oldest first. Raises DatabaseUnavailable."""
        columns = await Columns.of(self._database, tenant)
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                LOAD,
                {"tenant": tenant, "sessions": [*columns.digests(key), key], "limit": min(limit, MAX_MESSAGES)},
            )
            rows = await cursor.fetchall()
        await columns.load(row["sealed"] for row in rows)
        return [
            columns.json(("chat_memory", (row["message_digest"] or b"").hex()), row["message"], row["sealed"])
            for row in reversed(rows)
        ]

    async def append(
        self, tenant: str, key: str, messages: Sequence[Mapping[str, Any]], *, instead: bool = False
    ) -> None:
        """Add messages to a session; one whose `id` is there already came from an attempt that was cut off.

        `instead`: in place of those that are there. Raises DatabaseUnavailable: nothing was added.
        """
        columns = await Columns.of(self._database, tenant)
        sessions = [*columns.digests(key), key]
        async with self._database.tenant_transaction(tenant) as connection:
            if instead:
                await connection.execute(
                    "delete from chat_memory where tenant_id = %s and session_key = any(%s)", (tenant, sessions)
                )
            for message in messages:
                id_ = message.get("id")
                digests = [] if id_ is None else columns.digests(str(id_))
                digest = digests[0] if digests else ""
                clear, sealed = columns.pair(("chat_memory", digest), json.dumps(dict(message)))
                await connection.execute(
                    INSERT,
                    {"tenant": tenant, "session": sessions[0], "message": clear, "sealed": sealed, "sessions": sessions,
                     "digest": bytes.fromhex(digest) if digest else None, "id": id_,
                     "digests": [bytes.fromhex(each) for each in digests]},
                )  # fmt: skip
