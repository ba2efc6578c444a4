"""Chat messages as n8n (LangChain) stores them in a database, so that conversations go on in either."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.agents.messages import Message, ToolCall

__all__ = ["from_stored", "langchain_calls", "to_stored"]

_TYPES: Final = {"user": "human", "assistant": "ai", "system": "system", "tool": "tool"}
_ROLES: Final = {stored: role for role, stored in _TYPES.items()}


def to_stored(message: Message) -> tuple[str, dict[str, Any]]:
    """Return the type of a message and its data. A message's `id` is kept: a repeated attempt finds what it stored."""
    type_ = _TYPES[message["role"]]
    tools: dict[str, Any] = {}
    if type_ == "ai":
        tools = {"tool_calls": langchain_calls(message), "invalid_tool_calls": []}
    elif type_ == "tool":
        tools = {"tool_call_id": message["tool_call_id"], "name": message.get("name", "")}
    data: dict[str, Any] = {"content": message["content"], **tools, "additional_kwargs": {}, "response_metadata": {}}
    return type_, data | ({"id": message["id"]} if "id" in message else {})


def from_stored(stored: Any) -> Message | None:
    """Return a message of `{type, content, ...}` or `{type, data: {content, ...}}`; None for one without text or calls, and for
    the answer of a tool to no call, which models refuse.
    """
    if not isinstance(stored, Mapping):
        return None
    data = stored["data"] if isinstance(stored.get("data"), Mapping) else stored
    role, text = _ROLES.get(str(stored.get("type"))), _text(data.get("content"))
    calls = (
        [call for each in data.get("tool_calls") or () if (call := _call(each)) is not None]
        if role == "assistant"
        else []
    )
    if role is None or not (data.get("tool_call_id") if role == "tool" else text or calls):
        return None
    message = Message(role=role, content=text)  # type: ignore[typeddict-item]  # one of the four
    if calls:
        message["tool_calls"] = calls
    if role == "tool":
        message |= {"tool_call_id": str(data.get("tool_call_id", "")), "name": str(data.get("name") or "")}
    if isinstance(id_ := data.get("id"), str):
        message["id"] = id_
    return message


def langchain_calls(message: Message) -> list[dict[str, Any]]:
    """Return the calls of a message as LangChain writes them."""
    calls = message.get("tool_calls") or ()
    return [{"id": each["id"], "name": each["name"], "args": each["arguments"], "type": "tool_call"} for each in calls]


def _call(stored: Any) -> ToolCall | None:
    if not (isinstance(stored, Mapping) and isinstance(stored.get("args"), Mapping)):
        return None
    return {"id": str(stored.get("id", "")), "name": str(stored.get("name", "")), "arguments": dict(stored["args"])}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part["text"]) for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str)
    )
