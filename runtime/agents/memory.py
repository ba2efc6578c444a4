"""Chat memories: what was said before, kept per tenant and session."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from runtime.agents.messages import Message
from runtime.contract import ActivityContext, NodeError, SubNode
from schemas.item import Json


class Memory(SubNode):
    """A chat memory. n8n's lives in one process for an hour at most; ours lasts."""

    connection = "ai_memory"
    differs = "The conversation is stored in the database and not only in memory, so it survives restarts"

    def session(self, name: str, version: float, item: Mapping[str, Any]) -> str:
        """The session of an input item. Raises NodeError when there is none; `name` is the node's name."""
        raise NotImplementedError

    def window(self) -> int:
        """How many messages go back to the model."""
        raise NotImplementedError

    async def load(self, context: ActivityContext, payload: Json) -> Json:
        """The newest messages of a session, oldest first; `payload`: {'key', 'limit'}."""
        asked = cast(dict[str, Any], payload)
        found = await context.chat_memory.load(asked["key"], asked["limit"] * 2)
        return cast(Json, window(cast("list[Message]", found), asked["limit"]))

    async def save(self, context: ActivityContext, payload: Json) -> Json:
        """Keep messages; `payload`: {'key', 'messages'}. Each has an id, so that a repeated try shows up once."""
        asked = cast(dict[str, Any], payload)
        await context.chat_memory.append(asked["key"], asked["messages"])
        return None


def window(messages: Sequence[Message], limit: int) -> list[Message]:
    """The last messages, each id once."""
    seen: dict[str, Message] = {}
    for n, message in enumerate(messages):
        seen.setdefault(message.get("id") or str(n), {"role": message["role"], "content": message["content"]})
    return list(seen.values())[-limit:] if limit > 0 else []


def sub_node_error(name: str, why: str) -> NodeError:
    """n8n's error for a sub-node that cannot do its part."""
    return NodeError(f"Error in sub-node {name}", description=why)
