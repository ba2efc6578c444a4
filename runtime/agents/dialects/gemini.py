"""Google's Gemini API (https://ai.google.dev/api/generate-content)."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.dialects.no_answer import no_answer
from runtime.agents.messages import Message, Part, content_of, text_of
from runtime.contract import ActivityContext

ENDS = (None, "FINISH_REASON_UNSPECIFIED", "MAX_TOKENS", "STOP")
"""Reasons of an end after which nothing may have been said. After others, such as `SAFETY`, it was withheld."""
UNKNOWN = frozenset({"additionalProperties", "$schema", "default", "$ref", "$defs"})
"""Keywords of JSON Schema that its function declarations refuse."""


async def body(context: ActivityContext, request: Request) -> dict[str, Any]:
    """Return the request body without `generationConfig` and `safetySettings`."""
    payload: dict[str, Any] = {"contents": await _contents(context, request.messages)}
    system = "\n\n".join(text_of(each) for each in request.messages if each["role"] == "system")
    if system:
        payload["systemInstruction"] = {"role": "system", "parts": [{"text": system}]}
    if request.tools:
        payload["tools"] = [{"functionDeclarations": [_declaration(each) for each in request.tools]}]
    return payload


def _declaration(tool: Mapping[str, Any]) -> dict[str, Any]:
    declaration = {"name": tool["name"], "description": tool["description"]}
    schema = supported_schema(tool["schema"])
    return declaration | (
        {"parameters": schema} if schema.get("properties") else {}
    )  # an object without fields is refused


def supported_schema(schema: Any) -> Any:
    """Return a schema in the subset that Gemini accepts."""
    if isinstance(schema, list):
        return [supported_schema(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    result = {
        key: supported_schema(value) for key, value in schema.items() if key not in UNKNOWN or not isinstance(key, str)
    }
    if isinstance(result.get("properties"), Mapping):  # names of fields are not keywords
        result["properties"] = {key: supported_schema(value) for key, value in schema["properties"].items()}
    return result


async def _contents(context: ActivityContext, messages: Sequence[Message]) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "system":
            continue
        role = "model" if message["role"] == "assistant" else "user"
        parts = await _parts(context, message)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


async def _parts(context: ActivityContext, message: Message) -> list[dict[str, Any]]:
    if message.get("raw") is not None:
        return list(message["raw"])  # calls carry thought signatures that must come back as they were
    if message["role"] == "tool":
        return [{"functionResponse": {"name": message["name"], "response": {"result": text_of(message)}}}]
    content = message["content"]
    parts = (
        [await _part(context, part) for part in content]
        if isinstance(content, list)
        else [{"text": content}]
        if content
        else []
    )
    return parts + [
        {"functionCall": {"name": call["name"], "args": call["arguments"]}} for call in message.get("tool_calls") or []
    ]


async def _part(context: ActivityContext, part: Part) -> dict[str, Any]:
    if part["type"] == "text":
        return {"text": part["text"]}
    if part["type"] == "image_url":
        return {"fileData": {"fileUri": part["text"]}}
    data = base64.b64encode(await context.blobs.read(part["ref"])).decode()
    return {"inlineData": {"mimeType": part["ref"]["mimeType"], "data": data}}


def read(answer: Mapping[str, Any], model: str) -> ModelAnswer:
    """Return text and calls of the first candidate. A call without an id gets one by its position. Raise NodeApiError: the prompt
    or the answer was withheld.
    """
    candidates = answer.get("candidates")
    if not candidates:
        raise no_answer((answer.get("promptFeedback") or {}).get("blockReason"))
    parts = (candidates[0].get("content") or {}).get("parts") or []
    if not parts and (reason := candidates[0].get("finishReason")) not in ENDS:
        raise no_answer(reason)
    texts = [each["text"] for each in parts if each.get("text") and not each.get("thought")]
    message: Message = {"role": "assistant", "content": content_of(texts)}
    calls = [each["functionCall"] for each in parts if "functionCall" in each]
    if calls:
        message["tool_calls"] = [
            {"id": call.get("id") or f"call_{n}", "name": call["name"], "arguments": call.get("args") or {}}
            for n, call in enumerate(calls)
        ]
        message["raw"] = parts
    usage = answer.get("usageMetadata") or {}
    output = (usage.get("candidatesTokenCount") or 0) + (usage.get("thoughtsTokenCount") or 0)
    return ModelAnswer(message, str(answer.get("modelVersion") or model), usage.get("promptTokenCount") or 0, output)
