"""Anthropic's Messages API (https://docs.anthropic.com/en/api/messages)."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.messages import Message, Part, content_of, text_of
from runtime.contract import ActivityContext

VERSION = "2023-06-01"


async def body(context: ActivityContext, model: str, request: Request) -> dict[str, Any]:
    """Return the request body without sampling options and `max_tokens`."""
    messages = await _messages(context, request.messages)
    payload: dict[str, Any] = {"model": model, "stream": request.hear is not None, "messages": messages}
    system = "\n\n".join(text_of(each) for each in request.messages if each["role"] == "system")
    if system:
        payload["system"] = system
    if request.tools:
        payload["tools"] = [
            {"name": each["name"], "description": each["description"], "input_schema": each["schema"]}
            for each in request.tools
        ]
    return payload


async def _messages(context: ActivityContext, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return user and assistant messages in turn: results of tools are from the user, and neighbours are merged."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "system":
            continue
        role = "assistant" if message["role"] == "assistant" else "user"
        content = await _content(context, message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] = [*_blocks(turns[-1]["content"]), *_blocks(content)]
        else:
            turns.append({"role": role, "content": content})
    return turns


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


async def _content(context: ActivityContext, message: Message) -> Any:
    if message.get("raw") is not None:
        return message["raw"]  # thinking blocks carry signatures that must come back as they were
    if message["role"] == "tool":
        return [{"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": text_of(message)}]
    if message.get("tool_calls"):
        return list(_calling(message))
    if isinstance(message["content"], str):
        return message["content"]
    return [await _part(context, part) for part in message["content"]]


def _calling(message: Message) -> Iterator[dict[str, Any]]:
    if message["content"]:
        yield {"type": "text", "text": text_of(message)}
    for call in message.get("tool_calls") or []:
        yield {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["arguments"]}


async def _part(context: ActivityContext, part: Part) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    if part["type"] == "image_url":
        return {"type": "image", "source": {"type": "url", "url": part["text"]}}
    data = base64.b64encode(await context.blobs.read(part["ref"])).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": part["ref"]["mimeType"], "data": data}}


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return text and calls of the content blocks, with all blocks in `raw` where the next request must repeat them."""
    blocks = answer.get("content") or []
    message: Message = {
        "role": "assistant",
        "content": content_of([each["text"] for each in blocks if each["type"] == "text"]),
    }
    calls = [each for each in blocks if each["type"] == "tool_use"]
    if calls:
        message["tool_calls"] = [{"id": each["id"], "name": each["name"], "arguments": each["input"]} for each in calls]
    if any(each["type"] not in ("text", "tool_use") for each in blocks):
        message["raw"] = blocks
    usage = answer.get("usage") or {}
    cached = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
    return ModelAnswer(
        message,
        str(answer.get("model") or model),
        (usage.get("input_tokens") or 0) + cached,
        usage.get("output_tokens") or 0,
    )
