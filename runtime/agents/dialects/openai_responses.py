"""OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses)."""

from collections.abc import Iterator, Mapping
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.openai_chat import picture, tool_call
from runtime.agents.messages import Message, ToolCall, content_of, dumps, text_of
from runtime.contract import ActivityContext


async def body(context: ActivityContext, model: str, request: Request) -> dict[str, Any]:
    """Return the request body without sampling options."""
    payload: dict[str, Any] = {"model": model, "stream": request.hear is not None}
    payload["input"] = [part for message in request.messages for part in await _input(context, message)]
    if request.tools:
        payload["tools"] = [
            {
                "type": "function",
                "name": each["name"],
                "description": each["description"],
                "parameters": each["schema"],
                "strict": False,
            }
            for each in request.tools
        ]
    return payload


async def _input(context: ActivityContext, message: Message) -> list[dict[str, Any]]:
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": text_of(message)}]
    if message.get("raw") is not None:
        return list(message["raw"])
    payload: list[dict[str, Any]] = []
    if message["content"] or not message.get("tool_calls"):
        payload.append({"type": "message", "role": message["role"], "content": await _content(context, message)})
    return payload + [_call(call) for call in message.get("tool_calls") or []]


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = dumps(call["arguments"])
    return {"type": "function_call", "name": call["name"], "arguments": arguments, "call_id": call["id"]}


async def _content(context: ActivityContext, message: Message) -> Any:
    if isinstance(message["content"], str) or message["role"] == "assistant":
        return text_of(message)
    return [
        {"type": "input_text", "text": part["text"]}
        if part["type"] == "text"
        else {"type": "input_image", "image_url": await picture(context, part)}
        for part in message["content"]
    ]


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return text and calls of a response, with the reasoning in `raw`: the service expects it back in the next request."""
    output = answer.get("output") or []
    message: Message = {"role": "assistant", "content": content_of(list(_texts(output)))}
    calls = [tool_call(each["call_id"], each) for each in output if each.get("type") == "function_call"]
    if calls:
        message["tool_calls"] = calls
    if any(each.get("type") == "reasoning" for each in output):
        message["raw"] = output
    usage = answer.get("usage") or {}
    return ModelAnswer(
        message, str(answer.get("model") or model), usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    )


def _texts(output: list[dict[str, Any]]) -> Iterator[str]:
    for each in output:
        if each.get("type") == "message":
            yield from (part.get("text", "") for part in each.get("content") or [] if part.get("type") == "output_text")
