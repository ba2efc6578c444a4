"""Cohere's chat API, version 2 (https://docs.cohere.com/reference/chat)."""

from collections.abc import Mapping
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.openai_chat import tool_call, tools
from runtime.agents.messages import Message, dumps, text_of


def body(model: str, request: Request) -> dict[str, Any]:
    """Return the request body without sampling options. Cohere's chat models of n8n's list read no pictures."""
    return {
        "model": model,
        "messages": [_message(each) for each in request.messages],
        "tools": tools(request.tools) if request.tools else None,
        "stream": False,
    }


def _message(message: Message) -> dict[str, Any]:
    payload: dict[str, Any] = {"role": message["role"], "content": text_of(message)}
    if message.get("tool_calls"):
        calls = [
            (each["id"], {"name": each["name"], "arguments": dumps(each["arguments"])})
            for each in message["tool_calls"]
        ]
        payload["tool_calls"] = [{"id": id_, "type": "function", "function": function} for id_, function in calls]
    if "tool_call_id" in message:
        payload["tool_call_id"] = message["tool_call_id"]
    return payload


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return the message and the tokens it used."""
    reply = answer.get("message") or {}
    content = reply.get("content") or []
    texts = [str(part.get("text") or "") for part in content if isinstance(part, Mapping)]
    message: Message = {"role": "assistant", "content": "".join(texts)}
    if reply.get("tool_calls"):
        message["tool_calls"] = [tool_call(each["id"], each["function"]) for each in reply["tool_calls"]]
    tokens = (answer.get("usage") or {}).get("tokens") or {}
    return ModelAnswer(message, model, int(tokens.get("input_tokens") or 0), int(tokens.get("output_tokens") or 0))
