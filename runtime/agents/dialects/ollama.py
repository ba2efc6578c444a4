"""Ollama's own chat API, which takes options that others lack (its docs/api.md)."""

import base64
from collections.abc import Mapping
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.openai_chat import tools
from runtime.agents.messages import Message, text_of
from runtime.contract import ActivityContext


async def body(context: ActivityContext, model: str, request: Request) -> dict[str, Any]:
    """Return the request body without options."""
    payload: dict[str, Any] = {
        "model": model,
        "messages": [await _message(context, each) for each in request.messages],
        "stream": request.hear is not None,
    }
    if request.tools:
        payload["tools"] = tools(request.tools)
    return payload


async def _message(context: ActivityContext, message: Message) -> dict[str, Any]:
    payload: dict[str, Any] = {"role": message["role"], "content": text_of(message)}
    if message.get("tool_calls"):
        payload["tool_calls"] = [
            {"function": {"name": each["name"], "arguments": each["arguments"]}} for each in message["tool_calls"]
        ]
    if message["role"] == "tool":
        payload["tool_name"] = message["name"]
    content = message["content"]
    files = [part["ref"] for part in content if part["type"] == "file"] if isinstance(content, list) else []
    if files:
        payload["images"] = [base64.b64encode(await context.blobs.read(ref)).decode() for ref in files]
    return payload


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return the message and the tokens it used. Calls have no ids and get one by their position."""
    reply = answer.get("message") or {}
    message: Message = {"role": "assistant", "content": reply.get("content") or ""}
    if reply.get("tool_calls"):
        message["tool_calls"] = [
            {"id": f"call_{n}", "name": each["function"]["name"], "arguments": each["function"].get("arguments") or {}}
            for n, each in enumerate(reply["tool_calls"])
        ]
    return ModelAnswer(
        message, str(answer.get("model") or model), answer.get("prompt_eval_count") or 0, answer.get("eval_count") or 0
    )
