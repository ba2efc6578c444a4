"""The Converse API of Amazon Bedrock (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.no_answer import broken, no_answer
from runtime.agents.messages import Message, ToolCall, ToolSpec, content_of, text_of
from runtime.contract import ActivityContext, NodeError

ENDS: Final = ("end_turn", "max_tokens", "stop_sequence")
"""Reasons of an end after which nothing may have been said. After others, such as `content_filtered`, it was withheld."""


async def body(context: ActivityContext, request: Request) -> dict[str, Any]:
    """Return the request body without the configuration of inference. Raise NodeError: a picture that only has an address."""
    payload: dict[str, Any] = {"messages": await _turns(context, request.messages)}
    system = [{"text": text_of(each)} for each in request.messages if each["role"] == "system" and text_of(each)]
    if system:
        payload["system"] = system
    if request.tools:
        payload["toolConfig"] = {"tools": [_tool(each) for each in request.tools]}
    return payload


def _tool(spec: ToolSpec) -> dict[str, Any]:
    described = {"description": spec["description"]} if spec["description"] else {}  # an empty one is refused
    return {"toolSpec": {"name": spec["name"], **described, "inputSchema": {"json": spec["schema"]}}}


async def _turns(context: ActivityContext, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return user and assistant in turn: results of tools are from the user, and neighbours are merged."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "system":
            continue
        role = "assistant" if message["role"] == "assistant" else "user"
        content = await _content(context, message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        elif content:
            turns.append({"role": role, "content": content})
    return turns


async def _content(context: ActivityContext, message: Message) -> list[dict[str, Any]]:
    if message.get("raw") is not None:
        return list(message["raw"])  # reasoning carries signatures that must come back as they were
    if message["role"] == "tool":
        result = {"toolUseId": message["tool_call_id"], "content": [{"text": text_of(message)}]}
        return [{"toolResult": result}]
    content: list[dict[str, Any]] = [{"text": text_of(message)}] if text_of(message) else []
    if isinstance(message["content"], list):
        for part in message["content"]:
            if part["type"] == "image_url":
                raise NodeError("Bedrock takes pictures as files, not by their address")
            if part["type"] == "file":
                kind = str(part["ref"].get("mimeType") or "image/png").partition("/")[2]
                data = base64.b64encode(await context.blobs.read(part["ref"])).decode()
                content.append({"image": {"format": kind, "source": {"bytes": data}}})
    calls = message.get("tool_calls") or []
    return content + [
        {"toolUse": {"toolUseId": call["id"], "name": call["name"], "input": call["arguments"]}} for call in calls
    ]


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return the message and the tokens it used. Raise NodeApiError: the service could not finish, withheld it, or gave none."""
    content = ((answer.get("output") or {}).get("message") or {}).get("content") or []
    reason = str(answer.get("stopReason") or "")
    if reason.startswith("malformed_"):
        raise broken(reason)
    if not content and reason not in ENDS:
        raise no_answer(reason)
    texts = [str(each["text"]) for each in content if "text" in each]
    message: Message = {"role": "assistant", "content": content_of(texts)}
    calls: list[ToolCall] = [
        {
            "id": each["toolUse"]["toolUseId"],
            "name": each["toolUse"]["name"],
            "arguments": each["toolUse"].get("input") or {},
        }
        for each in content
        if "toolUse" in each
    ]
    if calls:
        message["tool_calls"] = calls
    if any("reasoningContent" in each for each in content):
        message["raw"] = content
    usage = answer.get("usage") or {}
    return ModelAnswer(message, model, int(usage.get("inputTokens") or 0), int(usage.get("outputTokens") or 0))
