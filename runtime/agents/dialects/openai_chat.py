"""OpenAI's chat completions, which most providers speak (https://platform.openai.com/docs/api-reference/chat)."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.no_answer import no_answer
from runtime.agents.messages import Message, Part, ToolCall, ToolSpec, dumps, text_of
from runtime.contract import ActivityContext


async def body(context: ActivityContext, model: str, request: Request) -> dict[str, Any]:
    """Return the request body without sampling options."""
    payload: dict[str, Any] = {
        "model": model,
        "messages": [await _message(context, each) for each in request.messages],
        "stream": request.hear is not None,
    }
    if request.hear is not None:
        payload["stream_options"] = {"include_usage": True}
    if request.tools:
        payload["tools"] = tools(request.tools)
    return payload


def tools(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Return tools in the form of OpenAI functions."""
    return [
        {
            "type": "function",
            "function": {"name": each["name"], "description": each["description"], "parameters": each["schema"]},
        }
        for each in specs
    ]


async def _message(context: ActivityContext, message: Message) -> dict[str, Any]:
    payload: dict[str, Any] = {"role": message["role"], "content": await _content(context, message)}
    if message.get("tool_calls"):
        payload["tool_calls"] = [_call(each) for each in message["tool_calls"]]
    if "tool_call_id" in message:
        payload["tool_call_id"] = message["tool_call_id"]
    return payload


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": dumps(call["arguments"])}
    return {"id": call["id"], "type": "function", "function": function}


async def _content(context: ActivityContext, message: Message) -> Any:
    if isinstance(message["content"], str):
        return message["content"]
    return [await _part(context, part) for part in message["content"]]


async def _part(context: ActivityContext, part: Part) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    return {"type": "image_url", "image_url": {"url": await picture(context, part)}}


async def picture(context: ActivityContext, part: Part) -> str:
    """Return a picture as a URL: its address, or its bytes as a data URL."""
    if part["type"] == "image_url":
        return part["text"]
    data = base64.b64encode(await context.blobs.read(part["ref"])).decode()
    return f"data:{part['ref']['mimeType']};base64,{data}"


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return the message of the first choice and the tokens it used. Raise NodeApiError: there is none."""
    choices = answer.get("choices")
    if not choices:
        raise no_answer()
    reply = choices[0].get("message") or {}
    message: Message = {"role": "assistant", "content": _text(reply.get("content"))}
    if reply.get("tool_calls"):
        message["tool_calls"] = [tool_call(each["id"], each["function"]) for each in reply["tool_calls"]]
    usage = answer.get("usage") or {}
    return ModelAnswer(
        message, str(answer.get("model") or model), usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    )


def tool_call(id_: str, function: Mapping[str, Any]) -> ToolCall:
    """Return a call with its arguments parsed; arguments that are no JSON object become `input`."""
    arguments: Any = function.get("arguments") or {}
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {"input": arguments}
    return {
        "id": id_,
        "name": function["name"],
        "arguments": arguments if isinstance(arguments, dict) else {"input": arguments},
    }


def _text(content: Any) -> str:
    if isinstance(content, list):
        return text_of({"role": "assistant", "content": content})
    return content or ""
