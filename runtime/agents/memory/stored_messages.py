"""Chat messages as n8n (LangChain) stores them in a database, so that conversations go on in either."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.agents.messages import Message

__all__ = ["from_stored", "to_stored"]

_TYPES: Final = {"user": "human", "assistant": "ai", "system": "system"}
_ROLES: Final = {stored: role for role, stored in _TYPES.items()}


def to_stored(message: Message) -> tuple[str, dict[str, Any]]:
    """Return the type of a message and its data. A message's `id` is kept: a repeated attempt finds what it stored."""
    type_ = _TYPES[message["role"]]
    tools: dict[str, Any] = {"tool_calls": [], "invalid_tool_calls": []} if type_ == "ai" else {}
    data: dict[str, Any] = {"content": message["content"], **tools, "additional_kwargs": {}, "response_metadata": {}}
    return type_, data | ({"id": message["id"]} if "id" in message else {})


def from_stored(stored: Any) -> Message | None:
    """Return a message of `{type, content, ...}` or `{type, data: {content, ...}}`; None for one without text, as of a tool."""
    if not isinstance(stored, Mapping):
        return None
    data = stored["data"] if isinstance(stored.get("data"), Mapping) else stored
    role, text = _ROLES.get(str(stored.get("type"))), _text(data.get("content"))
    if role is None or not text:
        return None
    message = Message(role=role, content=text)  # type: ignore[typeddict-item]  # one of the three
    if isinstance(id_ := data.get("id"), str):
        message["id"] = id_
    return message


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part["text"]) for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str)
    )
