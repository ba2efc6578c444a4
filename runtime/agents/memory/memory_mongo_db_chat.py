"""MongoDB Chat Memory: a document per session on a server of the tenant's, its messages in a list."""

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


class MemoryMongoDbChat(DatabaseMemory):
    """Messages are added to the end of the list by `$push`, so that two workflows lose nothing of each other's."""

    type = "@n8n/n8n-nodes-langchain.memoryMongoDbChat"
    versions = (1, 1.1)
    credential_uses = (CredentialUse("mongoDb"),)

    session_id_type: str = param("fromInput")
    input_key: Dynamic[Any] = param(_ID, alias="sessionKey", show={"sessionIdType": ["fromInput"]})
    custom_key: Dynamic[Any] = param("", alias="sessionKey", show={"sessionIdType": ["customKey"]})
    collection_name: Dynamic[str] = param("n8n_chat_histories")
    database_name: Dynamic[str] = param("")
    context_window_length: Dynamic[int] = param(5)

    def session(self, name: str, version: float, item: Mapping[str, Any]) -> str:
        """Return the session. Raise NodeError without one."""
        del version
        custom = self.session_id_type == "customKey"
        return self.session_of(name, item, self.custom_key if custom else self.input_key, custom=custom)

    def window(self, version: float) -> int:
        """Return the number of messages: two per exchange."""
        del version
        return min(2 * int(self.context_window_length), MAX_MESSAGES)

    async def load(self, context: ActivityContext, payload: Json) -> Json:
        """Return the newest messages of a session, oldest first; `payload`: {'key', 'limit'}."""
        query = cast(dict[str, Any], payload)
        stored = await self._stored(context, query["key"], 2 * query["limit"])
        messages = [message for each in stored if (message := from_stored(each)) is not None]
        return cast(Json, window(messages, query["limit"]))

    async def replace(self, context: ActivityContext, payload: Json) -> Json:
        """Refuse: a conversation in this memory is only added to. Raise NodeError."""
        del context, payload
        raise NodeError(
            "The Chat Memory Manager cannot replace or delete messages of this memory",
            description="Use Simple Memory, or delete them in a MongoDB node.",
        )

    async def save(self, context: ActivityContext, payload: Json) -> Json:
        """Store messages; `payload`: {'key', 'messages'}. One whose id is there came from an attempt that was cut off."""
        batch = cast(dict[str, Any], payload)
        key, messages = batch["key"], cast(list[Message], batch["messages"])
        newest = await self._stored(context, key, 2 * len(messages))
        there = {each["data"].get("id") for each in newest if isinstance(each.get("data"), Mapping)}
        added = [to_stored(each) for each in messages if "id" not in each or each["id"] not in there]
        pushed = {"messages": {"$each": [{"type": type_, "data": data} for type_, data in added]}}
        change = {"q": {"sessionId": key}, "u": {"$push": pushed}, "upsert": True}
        try:
            async with context.databases.mongo() as session:
                command = {"update": str(self.collection_name), "updates": [change], "ordered": True}
                await session.command(command, database=self._database())
        except DatabaseError as error:
            raise sub_node_error(context.name, error.message) from error
        return None

    async def _stored(self, context: ActivityContext, key: str, count: int) -> list[Mapping[str, Any]]:
        """Return the last messages of a session as they are stored. The server takes them from the list. Raise NodeError."""
        last = {"messages": {"$slice": -max(count, 1)}}
        command = {"find": str(self.collection_name), "filter": {"sessionId": key}, "limit": 1, "projection": last}
        try:
            async with context.databases.mongo() as session:
                documents = await session.documents(command, database=self._database())
        except DatabaseError as error:
            raise sub_node_error(context.name, error.message) from error
        messages = documents[0].get("messages") if documents else None
        return [each for each in messages if isinstance(each, Mapping)] if isinstance(messages, list) else []

    def _database(self) -> str | None:
        return str(self.database_name or "") or None
