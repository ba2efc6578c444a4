"""Cohere's chat API, version 2 (https://docs.cohere.com/reference/chat)."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.no_answer import broken, no_answer
from runtime.agents.dialects.openai_chat import tool_call, tools
from runtime.agents.messages import Message, dumps, text_of

FAILED: Final = ("ERROR", "TIMEOUT")
"""Reasons of an end that is none."""


def body(model: str, request: Request) -> dict[str, Any]:
    """Return the request body without sampling options. Cohere's chat models of n8n's list read no pictures."""
    return {
        "model": model,
        "messages": [_message(each) for each in request.messages],
        "tools": tools(request.tools) if request.tools else None,
        "stream": request.hear is not None,
    }


def _message(message: Message) -> dict[str, Any]:
    payload: dict[str, Any] = {"role": message["role"], "content": text_of(message)}
    if message.get("tool_calls"):
        calls = [
            (each["id"], {"name": each["name"], "arguments": dumps(each["arguments"])})
            for each in message["tool_calls"]
        ]
        plan = payload.pop("content")  # what is said beside calls has a member of its own
        payload |= {"tool_plan": plan} if plan else {}
        payload["tool_calls"] = [{"id": id_, "type": "function", "function": function} for id_, function in calls]
    if "tool_call_id" in message:
        payload["tool_call_id"] = message["tool_call_id"]
    return payload


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return the message and the tokens it used. Raise NodeApiError: the service could not finish, or gave none."""
    reason = str(answer.get("finish_reason") or "")
    if reason.startswith(FAILED):
        raise broken(reason)
    reply = answer.get("message")
    if not isinstance(reply, Mapping):
        raise no_answer(reason)
    content = reply.get("content") or []
    texts = [str(part.get("text") or "") for part in content if isinstance(part, Mapping)]
    message: Message = {"role": "assistant", "content": "".join(texts)}
    if reply.get("tool_calls"):
        message["content"] = message["content"] or str(reply.get("tool_plan") or "")
        message["tool_calls"] = [tool_call(each["id"], each["function"]) for each in reply["tool_calls"]]
    usage = answer.get("usage") or {}
    tokens = usage.get("tokens") or usage.get("billed_units") or {}
    return ModelAnswer(message, model, int(tokens.get("input_tokens") or 0), int(tokens.get("output_tokens") or 0))
