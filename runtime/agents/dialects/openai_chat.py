"""OpenAI's chat completions, which most providers speak (https://platform.openai.com/docs/api-reference/chat)."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.messages import Message, Part, ToolCall, ToolSpec, dumps, text_of
from runtime.contract import ActivityContext


async def body(context: ActivityContext, model: str, request: Request) -> dict[str, Any]:
    """The request without sampling options."""
    made: dict[str, Any] = {
        "model": model,
        "messages": [await _message(context, each) for each in request.messages],
        "stream": False,
    }
    if request.tools:
        made["tools"] = tools(request.tools)
    return made


def tools(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Tools as functions."""
    return [
        {
            "type": "function",
            "function": {"name": each["name"], "description": each["description"], "parameters": each["schema"]},
        }
        for each in specs
    ]


async def _message(context: ActivityContext, message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message["role"], "content": await _content(context, message)}
    if message.get("tool_calls"):
        made["tool_calls"] = [_call(each) for each in message["tool_calls"]]
    if "tool_call_id" in message:
        made["tool_call_id"] = message["tool_call_id"]
    return made


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
    """Where the model finds a picture: its address, or the bytes as a data URL."""
    if part["type"] == "image_url":
        return part["text"]
    data = base64.b64encode(await context.blobs.read(part["ref"])).decode()
    return f"data:{part['ref']['mimeType']};base64,{data}"


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """The first choice."""
    choices = answer.get("choices") or [{}]
    said = choices[0].get("message") or {}
    message: Message = {"role": "assistant", "content": _text(said.get("content"))}
    if said.get("tool_calls"):
        message["tool_calls"] = [tool_call(each["id"], each["function"]) for each in said["tool_calls"]]
    usage = answer.get("usage") or {}
    return ModelAnswer(
        message, str(answer.get("model") or model), usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    )


def tool_call(id_: str, function: Mapping[str, Any]) -> ToolCall:
    """A call, with its arguments read; what is no JSON object goes to the tool as `input`."""
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
