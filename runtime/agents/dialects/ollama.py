"""Ollama's own chat API, which takes options that others lack (its docs/api.md)."""

import base64
from collections.abc import Mapping
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.openai_chat import tools
from runtime.agents.messages import Message, text_of
from runtime.contract import ActivityContext


async def body(context: ActivityContext, model: str, request: Request) -> dict[str, Any]:
    """The request without options."""
    made: dict[str, Any] = {
        "model": model,
        "messages": [await _message(context, each) for each in request.messages],
        "stream": False,
    }
    if request.tools:
        made["tools"] = tools(request.tools)
    return made


async def _message(context: ActivityContext, message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message["role"], "content": text_of(message)}
    if message.get("tool_calls"):
        made["tool_calls"] = [
            {"function": {"name": each["name"], "arguments": each["arguments"]}} for each in message["tool_calls"]
        ]
    if message["role"] == "tool":
        made["tool_name"] = message["name"]
    content = message["content"]
    files = [part["ref"] for part in content if part["type"] == "file"] if isinstance(content, list) else []
    if files:
        made["images"] = [base64.b64encode(await context.blobs.read(ref)).decode() for ref in files]
    return made


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """The message. Calls have no ids: their place is their id."""
    said = answer.get("message") or {}
    message: Message = {"role": "assistant", "content": said.get("content") or ""}
    if said.get("tool_calls"):
        message["tool_calls"] = [
            {"id": f"call_{n}", "name": each["function"]["name"], "arguments": each["function"].get("arguments") or {}}
            for n, each in enumerate(said["tool_calls"])
        ]
    return ModelAnswer(
        message, str(answer.get("model") or model), answer.get("prompt_eval_count") or 0, answer.get("eval_count") or 0
    )
