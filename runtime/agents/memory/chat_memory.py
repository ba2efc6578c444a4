"""Base of chat memories: earlier messages, stored per tenant and session."""

from collections.abc import Mapping, Sequence
from itertools import dropwhile
from typing import Any, Final, cast

from runtime.agents.messages import Message
from runtime.contract import ActivityContext, DurableContext, NodeError, SubNode
from schemas.item import Json

TOLD: Final = ("role", "content", "tool_calls", "tool_call_id", "name")
"""Members of a message that belong to the conversation."""


class Memory(SubNode):
    """A chat memory. n8n's lives in one process for an hour at most; ours lasts."""

    connection = "ai_memory"
    differs = "The conversation is stored in the database and not only in memory, so it survives restarts"

    def session(self, name: str, version: float, item: Mapping[str, Any]) -> str:
        """Return the session key of an input item; `name` is the node's name. Raise NodeError when there is none."""
        raise NotImplementedError

    def key(self, workflow: str, session: str) -> str:
        """Return the key under which the messages of a session are kept; `workflow`: its id, else its name."""
        return f"{workflow}__{session}"

    def window(self, version: float) -> int:
        """Return the number of messages that the model gets."""
        raise NotImplementedError

    async def load(self, context: ActivityContext, payload: Json) -> Json:
        """Return the newest messages of a session, oldest first; `payload`: {'key', 'limit'}."""
        query = cast(dict[str, Any], payload)
        messages = await context.chat_memory.load(query["key"], query["limit"] * 2)
        return cast(Json, window(cast("list[Message]", messages), query["limit"]))

    async def save(self, context: ActivityContext, payload: Json) -> Json:
        """Store messages; `payload`: {'key', 'messages'}. Each has an id, so that a repeated attempt adds it once."""
        batch = cast(dict[str, Any], payload)
        await context.chat_memory.append(batch["key"], batch["messages"])
        return None

    async def replace(self, context: ActivityContext, payload: Json) -> Json:
        """Put messages in place of those of a session; `payload`: {'key', 'messages'}."""
        batch = cast(dict[str, Any], payload)
        await context.chat_memory.replace(batch["key"], batch["messages"])
        return None


def connected(context: DurableContext, i: int) -> tuple[str, str, int] | None:
    """Return name, key and window of the connected memory; None: there is none. Raise NodeError.

    Sessions are shared by all nodes of a workflow (n8n).
    """
    names = context.subnodes("ai_memory")
    if not names:
        return None
    node, version = context.subnode(names[0], i)
    if not isinstance(node, Memory):
        raise NodeError(f"'{names[0]}' is not a chat memory that tempor8 knows")
    session = node.session(names[0], version, context.items[i]["json"])
    return names[0], node.key(context.workflow["id"] or context.workflow["name"], session), node.window(version)


def window(messages: Sequence[Message], limit: int) -> list[Message]:
    """Return the last `limit` messages, each id once. Answers of tools whose calls are cut off are left out, as in n8n: no model
    takes them.
    """
    seen: dict[str, Message] = {}
    for n, message in enumerate(messages):
        seen.setdefault(message.get("id") or str(n), _told(message))
    last = list(seen.values())[-limit:] if limit > 0 else []
    return list(dropwhile(lambda message: message["role"] == "tool", last))


def _told(message: Message) -> Message:
    """Return what a model reads of a stored message."""
    told: Any = {key: value for key, value in message.items() if key in TOLD}
    return cast(Message, told)


def sub_node_error(name: str, why: str) -> NodeError:
    """Return n8n's error for a sub-node that fails; `why` is its description."""
    return NodeError(f"Error in sub-node {name}", description=why)
