"""Postgres Chat Memory: a table `(id, session_id, message)` on a server of the tenant's."""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from runtime.agents.memory.chat_memory import sub_node_error, window
from runtime.agents.memory.database_memory import MAX_MESSAGES, DatabaseMemory
from runtime.agents.memory.stored_messages import from_stored, to_stored
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from runtime.values.postgres_text import format_query
from schemas.facts import CredentialUse
from schemas.item import Json
from schemas.sql import DatabaseError

if TYPE_CHECKING:
    from runtime.contract.capabilities import SqlSession

_TABLE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?", re.ASCII)
_WINDOWED: Final = 1.1


class MemoryPostgresChat(DatabaseMemory):
    """The table is made when it is not there. Its name is not quoted, as n8n does not, so that capitals do not count."""

    type = "@n8n/n8n-nodes-langchain.memoryPostgresChat"
    versions = (1, 1.1, 1.2, 1.3, 1.4)
    credential_uses = (CredentialUse("postgres"),)

    session_id_type: str = param("fromInput")
    input_key: Dynamic[Any] = param(
        "={{ $json.sessionId }}",
        alias="sessionKey",
        show={"sessionIdType": ["fromInput"], "@version": [{"_cnd": {"gte": 1.2}}]},
    )
    custom_key: Dynamic[Any] = param("", alias="sessionKey", show={"sessionIdType": ["customKey"]})
    table_name: Dynamic[str] = param("n8n_chat_histories")
    context_window_length: Dynamic[int] = param(5, hide={"@version": [{"_cnd": {"lt": _WINDOWED}}]})

    def session(self, name: str, version: float, item: Mapping[str, Any]) -> str:
        """Return the session. Raise NodeError without one, or when the table's name is none."""
        del version
        if not _TABLE.fullmatch(str(self.table_name)):
            raise sub_node_error(name, f'Invalid table name "{self.table_name}"')
        custom = self.session_id_type == "customKey"
        return self.session_of(name, item, self.custom_key if custom else self.input_key, custom=custom)

    def window(self, version: float) -> int:
        """Return the number of messages: two per exchange, or all in a version without windows."""
        return min(2 * int(self.context_window_length), MAX_MESSAGES) if version >= _WINDOWED else MAX_MESSAGES

    async def load(self, context: ActivityContext, payload: Json) -> Json:
        """Return the newest messages of a session, oldest first; `payload`: {'key', 'limit'}."""
        query = cast(dict[str, Any], payload)
        try:
            async with context.databases.postgres() as session:
                await self._ensure_table(session)
                (result,) = await session.query(
                    format_query(
                        f"SELECT message FROM {self.table_name} WHERE session_id = $1 ORDER BY id DESC LIMIT $2",  # noqa: S608
                        [query["key"], 2 * query["limit"]],
                    )
                )
        except DatabaseError as error:
            raise sub_node_error(context.name, error.message) from error
        found = [from_stored(json.loads(row[0] or "null")) for row in reversed(result.rows)]
        return cast(Json, window([message for message in found if message is not None], query["limit"]))

    async def replace(self, context: ActivityContext, payload: Json) -> Json:
        """Refuse: a conversation in this memory is only added to. Raise NodeError."""
        del context, payload
        raise NodeError(
            "The Chat Memory Manager cannot replace or delete messages of this memory",
            description="Use Simple Memory, or delete them in a Postgres node.",
        )

    async def save(self, context: ActivityContext, payload: Json) -> Json:
        """Store messages; `payload`: {'key', 'messages'}. One whose id is there came from an attempt that was cut off."""
        batch = cast(dict[str, Any], payload)
        try:
            async with context.databases.postgres() as session:
                await self._ensure_table(session)
                await session.query(";\n".join(self._insert(batch["key"], message) for message in batch["messages"]))
        except DatabaseError as error:
            raise sub_node_error(context.name, error.message) from error
        return None

    def _insert(self, key: str, message: Any) -> str:
        type_, data = to_stored(message)
        text = (
            f"INSERT INTO {self.table_name} (session_id, message) SELECT $1, $2::jsonb WHERE NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {self.table_name} WHERE session_id = $1 AND message->>'id' = $3)"
        )
        return format_query(text, [key, {"type": type_, **data}, data.get("id")])

    async def _ensure_table(self, session: "SqlSession") -> None:
        """Make the table unless it is there: also who may make none can use one."""
        (result,) = await session.query(format_query("SELECT to_regclass($1)", [str(self.table_name)]))
        if result.rows and result.rows[0][0] is None:
            await session.query(
                f"CREATE TABLE IF NOT EXISTS {self.table_name} "
                "(id SERIAL PRIMARY KEY, session_id VARCHAR(255) NOT NULL, message JSONB NOT NULL)"
            )
