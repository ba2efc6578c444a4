"""The embedded local model, which answers where the tenant has no credential for a model. Small, and labelled as such."""

import json
from collections.abc import Mapping
from typing import Any, Final

from runtime.agents.dialects.chat import ModelAnswer, Request, answer
from runtime.agents.messages import Message, text_of
from runtime.contract import ActivityContext, MissingCredential
from schemas.item import Json

NAME: Final = "embedded-local-model"
MAX_TOKENS: Final = 256
"""Enough for a small JSON object; at 10 to 60 tokens a second more would feel like a hang."""
MAX_SYSTEM_CHARACTERS: Final = 200
MAX_USER_CHARACTERS: Final = 1_200
"""Limits of the prompt: a model of this size is lost in long prompts, and reads 30 to 200 tokens a second."""
MIN_TEXT_CHARACTERS: Final = 32
MAX_TEXT_CHARACTERS: Final = 80
"""Length of a free text in its JSON. Without a limit it copies place-holders or never stops; limited to a sentence of words
it quotes the prompt, which is the best it can do.
"""


async def ask(context: ActivityContext, request: Request, missing: MissingCredential, credential: str) -> ModelAnswer:
    """Ask the local model and return its answer.

    Raise `missing`, with what to do about it, when there is no local model or it cannot do the work.
    """
    others = [each["name"] for each in request.tools if each["name"] != request.via]
    if others:
        raise _with_advice(missing, credential, f"The embedded model cannot call tools ({', '.join(others)}). ")
    response = await context.models.post("local_model", "/v1/chat/completions", body(request), timeout=600.0)
    if response is None:
        raise _with_advice(missing, credential, "")
    context.log.info("no model credential: the embedded local model answers", credential=credential, model=NAME)
    return _read(answer(response), request)


def body(request: Request) -> dict[str, Json]:
    """Return the request body. A grammar derived from the schema forces JSON; the prompt ends with the JSON to fill in."""
    system = "\n".join(text_of(each) for each in request.messages if each["role"] == "system")
    prompt = next((text_of(each) for each in reversed(request.messages) if each["role"] == "user"), "")
    prompt = prompt[:MAX_USER_CHARACTERS]
    payload: dict[str, Json] = {"temperature": 0, "seed": 1, "max_tokens": MAX_TOKENS, "stream": False}
    if request.schema is not None:
        schema = narrowed({key: value for key, value in request.schema.items() if key != "$schema"})
        payload["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        prompt = f"{prompt}\n\nFill in this JSON: {json.dumps(outline(schema), ensure_ascii=False)}"
    head: list[Json] = [{"role": "system", "content": system[:MAX_SYSTEM_CHARACTERS]}] if system else []
    payload["messages"] = [*head, {"role": "user", "content": prompt}]
    return payload


def outline(schema: Mapping[str, Any]) -> Json:
    """Return an example of a schema's JSON, with words in the place of values."""
    if "enum" in schema:
        return f"<{' or '.join(map(str, schema['enum']))}>"
    match schema.get("type"):
        case "object":
            return {key: outline(each) for key, each in (schema.get("properties") or {}).items()}
        case "array":
            return [outline(schema.get("items") or {})]
        case "integer" | "number":
            return f"<number{_span(schema)}>"
        case "boolean":
            return "<true or false>"
    return "..."


def narrowed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a narrower schema: free texts are one sentence of words, and lists have two elements at most."""
    narrow = dict(schema)
    if isinstance(narrow.get("properties"), Mapping):
        narrow["properties"] = {key: narrowed(each) for key, each in narrow["properties"].items()}
    if isinstance(narrow.get("items"), Mapping):
        narrow["items"] = narrowed(narrow["items"])
        narrow["maxItems"] = max(narrow.get("minItems", 0), min(2, narrow.get("maxItems", 2)))
    longest = min(narrow.get("maxLength", MAX_TEXT_CHARACTERS), MAX_TEXT_CHARACTERS)
    free = narrow.get("type") == "string" and not narrow.keys() & {"enum", "pattern", "format", "const", "minLength"}
    if free and longest >= MIN_TEXT_CHARACTERS:
        narrow = {key: each for key, each in narrow.items() if key != "maxLength"}
        narrow["pattern"] = f"^[A-Z][a-z]{{1,7}} [a-z][A-Za-z ,]{{12,{longest - 12}}}[a-z]\\.$"
    return narrow


def _span(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    return f" from {low} to {high}" if low is not None and high is not None else ""


def _read(reply: Mapping[str, Any], request: Request) -> ModelAnswer:
    text = reply["choices"][0]["message"].get("content") or ""
    message: Message = {"role": "assistant", "content": text}
    if request.via is not None:
        try:
            arguments = json.loads(text)
        except ValueError:
            pass  # cut off by the token limit: the parser says so
        else:
            message = {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "call_1", "name": request.via, "arguments": arguments}],
            }
    usage = reply.get("usage") or {}
    return ModelAnswer(message, NAME, usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)


def _with_advice(missing: MissingCredential, credential: str, before: str) -> MissingCredential:
    return MissingCredential(
        missing.message,
        description=f"{before}Add a credential of the type {credential} to this tenant (`tempor8 credentials --help` "
        "shows how), or run the embedded local model: install the extra `local-model` and set TEMPOR8_LOCAL_MODEL=1",
    )
