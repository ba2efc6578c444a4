"""The embedded local model: what answers on a machine where nobody has a key. Small, and said so wherever it speaks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.agents.messages import Message, text_of
from runtime.agents.models.chat import ModelAnswer, Request, answer
from runtime.nodes.base import ActivityContext, MissingCredential
from schemas.item import Json

NAME: Final = "embedded-local-model"
MAX_TOKENS: Final = 320
"""Enough for a small JSON object; at 9 to 16 tokens a second more would feel like a hang."""
MAX_PROMPT: Final = 5_000
"""Characters of conversation that fit its context of 2,048 tokens, answer included."""


async def ask(context: ActivityContext, request: Request, missing: MissingCredential, credential: str) -> ModelAnswer:
    """Ask it. Raises `missing`, with what to do about it, when there is no local model or it cannot do the work."""
    others = [each["name"] for each in request.tools if each["name"] != request.via]
    if others:
        raise _explained(missing, credential, f"The embedded model cannot call tools ({', '.join(others)}). ")
    response = await context.service("local_model", "/v1/chat/completions", body(request), timeout=600.0)
    if response is None:
        raise _explained(missing, credential, "")
    context.log("no model credential: the embedded local model answers", credential=credential, model=NAME)
    return _read(answer(response), request)


def body(request: Request) -> dict[str, Json]:
    """JSON is forced by a grammar made from the schema."""
    made: dict[str, Json] = {
        "messages": list(_fitting(request.messages)),
        "temperature": 0,
        "seed": 1,
        "max_tokens": MAX_TOKENS,
        "stream": False,
    }
    if request.schema is not None:
        schema = {key: value for key, value in request.schema.items() if key != "$schema"}
        made["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return made


def _fitting(messages: Sequence[Message]) -> list[Json]:
    """System messages and the newest others, cut to what the model can hold."""
    room, kept = MAX_PROMPT, list[Json]()
    head = [each for each in messages if each["role"] == "system"]
    tail = [each for each in messages if each["role"] in ("user", "assistant") and text_of(each)]
    for message in [*head, *reversed(tail)]:
        text = text_of(message)[:room]
        room -= len(text)
        if text:
            kept.insert(len(head) if message["role"] != "system" else len(kept), {"role": message["role"], "content": text})
    return kept


def _read(said: Mapping[str, Any], request: Request) -> ModelAnswer:
    text = said["choices"][0]["message"].get("content") or ""
    message: Message = {"role": "assistant", "content": text}
    if request.via is not None:
        try:
            message = {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", "name": request.via, "arguments": json.loads(text)}]}
        except ValueError:
            pass  # cut off by the token limit: the parser says so
    usage = said.get("usage") or {}
    return ModelAnswer(message, NAME, usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)


def _explained(missing: MissingCredential, credential: str, before: str) -> MissingCredential:
    return MissingCredential(
        missing.message,
        description=f"{before}Add a credential of the type {credential} to this tenant (`tempor8 credentials --help` shows how), "
        "or run the embedded local model: install the extra `local-model` and set TEMPOR8_LOCAL_MODEL=1",
    )
