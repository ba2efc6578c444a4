"""Redis Chat Memory: a list per session on a server of the tenant's, the newest message first."""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from runtime.agents.memory.chat_memory import sub_node_error, window
from runtime.agents.memory.database_memory import MAX_MESSAGES, DatabaseMemory
from runtime.agents.memory.stored_messages import from_stored, to_stored
from runtime.agents.messages import Message
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from schemas.facts import CredentialUse
from schemas.item import Json
from schemas.sql import DatabaseError

_ID: Final = "={{ $json.sessionId }}"
_WINDOWED: Final = 1.3


class MemoryRedisChat(DatabaseMemory):
    """`sessionTTL`: seconds after which a session without new messages is forgotten; 0: never."""

    type = "@n8n/n8n-nodes-langchain.memoryRedisChat"
    versions = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
    credential_uses = (CredentialUse("redis"),)

    first_key: Dynamic[Any] = param("chat_history", alias="sessionKey", show={"@version": [1]})
    second_key: Dynamic[Any] = param(_ID, alias="sessionKey", show={"@version": [1.1]})
    session_id_type: str = param("fromInput", show={"@version": [{"_cnd": {"gte": 1.2}}]})
    input_key: Dynamic[Any] = param(
        _ID, alias="sessionKey", show={"sessionIdType": ["fromInput"], "@version": [{"_cnd": {"gte": 1.4}}]}
    )
    custom_key: Dynamic[Any] = param("", alias="sessionKey", show={"sessionIdType": ["customKey"]})
    session_ttl: Dynamic[int] = param(0, alias="sessionTTL")
    context_window_length: Dynamic[int] = param(5, hide={"@version": [{"_cnd": {"lt": _WINDOWED}}]})

    def session(self, name: str, version: float, item: Mapping[str, Any]) -> str:
        """Return the session. Raise NodeError without one."""
        if version < 1.2:  # a typeVersion
            return self.session_of(name, item, self.first_key if version < 1.1 else self.second_key, custom=True)
        custom = self.session_id_type == "customKey"
        return self.session_of(name, item, self.custom_key if custom else self.input_key, custom=custom)

    def window(self, version: float) -> int:
        """Return the number of messages: two per exchange, or all in a version without windows."""
        return min(2 * int(self.context_window_length), MAX_MESSAGES) if version >= _WINDOWED else MAX_MESSAGES

    async def load(self, context: ActivityContext, payload: Json) -> Json:
        """Return the newest messages of a session, oldest first; `payload`: {'key', 'limit'}."""
        query = cast(dict[str, Any], payload)
        try:
            async with context.databases.redis() as session:
                texts = await session.command("LRANGE", query["key"], 0, 2 * query["limit"] - 1)
        except DatabaseError as error:
            raise sub_node_error(context.name, error.message) from error
        return cast(Json, window(_messages(texts), query["limit"]))

    async def replace(self, context: ActivityContext, payload: Json) -> Json:
        """Refuse: a conversation in this memory is only added to. Raise NodeError."""
        del context, payload
        raise NodeError(
            "The Chat Memory Manager cannot replace or delete messages of this memory",
            description="Use Simple Memory, or delete them in a Redis node.",
        )

    async def save(self, context: ActivityContext, payload: Json) -> Json:
        """Store messages; `payload`: {'key', 'messages'}. One whose id is there came from an attempt that was cut off."""
        batch = cast(dict[str, Any], payload)
        key, messages = batch["key"], batch["messages"]
        try:
            async with context.databases.redis() as session:
                newest = _messages(await session.command("LRANGE", key, 0, 2 * len(messages) - 1))
                there = {each["id"] for each in newest if "id" in each}
                for message in messages:
                    if message.get("id") not in there:
                        type_, data = to_stored(message)
                        await session.command(
                            "LPUSH", key, json.dumps({"type": type_, "data": data}, ensure_ascii=False)
                        )
                if (seconds := int(self.session_ttl)) > 0:
                    await session.command("EXPIRE", key, seconds)
        except DatabaseError as error:
            raise sub_node_error(context.name, error.message) from error
        return None


def _messages(texts: list[str]) -> list[Message]:
    """Return the messages of a list, oldest first; what is none is left out."""
    found = []
    for text in reversed(texts):
        try:
            found.append(from_stored(json.loads(text)))
        except ValueError:
            continue
    return [message for message in found if message is not None]
