"""The embedded local model: what answers on a machine where nobody has a key. Small, and said so wherever it speaks."""

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
SYSTEM_ROOM: Final = 200
USER_ROOM: Final = 1_200
"""Characters: a model of this size is lost in long prompts, and reads 30 to 200 tokens a second."""
MIN_SENTENCE: Final = 32
SENTENCE: Final = 80
"""Characters of a text in its JSON. Left to itself it copies place-holders or never stops; held to a sentence of words
it quotes what it was told, which is the best it can do.
"""


async def ask(context: ActivityContext, request: Request, missing: MissingCredential, credential: str) -> ModelAnswer:
    """Ask it. Raises `missing`, with what to do about it, when there is no local model or it cannot do the work."""
    others = [each["name"] for each in request.tools if each["name"] != request.via]
    if others:
        raise _explained(missing, credential, f"The embedded model cannot call tools ({', '.join(others)}). ")
    response = await context.models.post("local_model", "/v1/chat/completions", body(request), timeout=600.0)
    if response is None:
        raise _explained(missing, credential, "")
    context.log.info("no model credential: the embedded local model answers", credential=credential, model=NAME)
    return _read(answer(response), request)


def body(request: Request) -> dict[str, Json]:
    """JSON is forced by a grammar made from the schema; the prompt ends with the JSON to fill in."""
    system = "\n".join(text_of(each) for each in request.messages if each["role"] == "system")
    asked = next((text_of(each) for each in reversed(request.messages) if each["role"] == "user"), "")
    asked = asked[:USER_ROOM]
    made: dict[str, Json] = {"temperature": 0, "seed": 1, "max_tokens": MAX_TOKENS, "stream": False}
    if request.schema is not None:
        schema = worded({key: value for key, value in request.schema.items() if key != "$schema"})
        made["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        asked = f"{asked}\n\nFill in this JSON: {json.dumps(outline(schema), ensure_ascii=False)}"
    head: list[Json] = [{"role": "system", "content": system[:SYSTEM_ROOM]}] if system else []
    made["messages"] = [*head, {"role": "user", "content": asked}]
    return made


def outline(schema: Mapping[str, Any]) -> Json:
    """The JSON that a schema wants, with words in the place of values."""
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


def worded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, narrower: free texts are one sentence of words, and lists have two elements at most."""
    made = dict(schema)
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {key: worded(each) for key, each in made["properties"].items()}
    if isinstance(made.get("items"), Mapping):
        made["items"] = worded(made["items"])
        made["maxItems"] = max(made.get("minItems", 0), min(2, made.get("maxItems", 2)))
    longest = min(made.get("maxLength", SENTENCE), SENTENCE)
    free = made.get("type") == "string" and not made.keys() & {"enum", "pattern", "format", "const", "minLength"}
    if free and longest >= MIN_SENTENCE:
        made = {key: each for key, each in made.items() if key != "maxLength"}
        made["pattern"] = f"^[A-Z][a-z]{{1,7}} [a-z][A-Za-z ,]{{12,{longest - 12}}}[a-z]\\.$"
    return made


def _span(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    return f" from {low} to {high}" if low is not None and high is not None else ""


def _read(said: Mapping[str, Any], request: Request) -> ModelAnswer:
    text = said["choices"][0]["message"].get("content") or ""
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
    usage = said.get("usage") or {}
    return ModelAnswer(message, NAME, usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)


def _explained(missing: MissingCredential, credential: str, before: str) -> MissingCredential:
    return MissingCredential(
        missing.message,
        description=f"{before}Add a credential of the type {credential} to this tenant (`tempor8 credentials --help` "
        "shows how), or run the embedded local model: install the extra `local-model` and set TEMPOR8_LOCAL_MODEL=1",
    )
