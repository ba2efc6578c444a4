"""Chat messages as plain JSON, neutral to the provider: the form in a run's state and in requests to every model.

| role | content | also |
|---|---|---|
| system, user | text, or a list of parts | |
| assistant | text, or a list of parts | `tool_calls`; `raw`: content that the provider expects back unchanged (signatures) |
| tool | text | `tool_call_id`, `name` |
"""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal, NotRequired, Required, TypedDict

from schemas.item import BinaryRef


class ToolCall(TypedDict):
    """A model's call of a tool."""

    id: str
    name: str
    arguments: dict[str, Any]


class Part(TypedDict, total=False):
    """Text, an attached file, or a picture by its address (in `text`)."""

    type: Required[Literal["text", "file", "image_url"]]
    text: str
    ref: BinaryRef


class Message(TypedDict, total=False):
    """One message of a conversation."""

    role: Required[Literal["system", "user", "assistant", "tool"]]
    content: Required[str | list[Part]]
    tool_calls: list[ToolCall]
    tool_call_id: str
    name: str
    raw: Any
    id: str


class ToolSpec(TypedDict):
    """A tool as a model sees it. `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]
    step: NotRequired[str]
    """The sub-node behind it."""
    tool: NotRequired[str]
    """Its name at the service of a sub-node that offers several."""
    gate: NotRequired[str | None]
    """The sub-node in which a person approves its calls."""


def system(text: str) -> Message:
    """Return a system message."""
    return {"role": "system", "content": text}


def user(text: str) -> Message:
    """Return a message of the user."""
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    """Return a message of the model."""
    return {"role": "assistant", "content": text}


def answered(call: ToolCall, text: str) -> Message:
    """Return the message with a tool's result for a call."""
    return {"role": "tool", "content": text, "tool_call_id": call["id"], "name": call["name"]}


def text_of(message: Message) -> str:
    """Return the text of a message without its files."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content if part["type"] == "text")


def content_of(texts: Sequence[str]) -> str | list[Part]:
    """Return the content of a model's message: its text, or the parts of an answer that came as several."""
    return "".join(texts) if len(texts) <= 1 else [{"type": "text", "text": text} for text in texts]


def joined_text(message: Message) -> str:
    """Return the text of an answer as a chain reads it: one part after the other. An agent has a line for each (n8n): `text_of`."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if part["type"] == "text")


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: a long conversation is written again in each request."""


def dumps(value: Any) -> str:
    """Return a value as JSON as JavaScript's JSON.stringify writes it."""
    return _ENCODER.encode(value)


def as_text(value: Any) -> str:
    """Return a parameter's value as a prompt: text as it is, anything else as JSON (n8n)."""
    return value if isinstance(value, str) else dumps(value)
