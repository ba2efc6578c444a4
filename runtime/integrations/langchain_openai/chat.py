"""OpenAI (AI package): bodies and answers of chat completions."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.scope import Scope
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

__all__ = ["chat", "choices", "entries", "first_message", "parsed", "require_one"]

JSON_PROMPT: Final = "You are a helpful assistant designed to output JSON."
_CHAT_NAMES: Final = {"maxTokens": "max_completion_tokens", "topP": "top_p"}


def chat(scope: Scope) -> dict[str, Any]:
    """Return the body of a chat completion."""
    parameters = scope.parameters
    given = [each for each in entries(parameters.get("messages")) if isinstance(each, Mapping)]
    require_one([each.get("content") for each in given])
    messages = [
        {"role": each.get("role", "user"), **({"content": each["content"]} if "content" in each else {})}
        for each in given
    ]
    model = scope.located("modelId", parameters.get("modelId", UNDEFINED))
    body: dict[str, Any] = {**({} if model is UNDEFINED else {"model": model}), "messages": messages}
    if parameters.get("jsonOutput"):
        messages.insert(0, {"role": "system", "content": JSON_PROMPT})
        body["response_format"] = {"type": "json_object"}
    options = parameters.get("options") or {}
    return body | {_CHAT_NAMES.get(name, name): each for name, each in options.items() if name != "maxToolsIterations"}


def choices(scope: Scope) -> Any:
    """Return the answers of a chat completion, their JSON read where it was asked for."""
    response = scope.names["response"]
    first_message(response)  # n8n looks for calls of tools, whatever is asked for
    found = [_read_choice(each) if scope.parameters.get("jsonOutput") else each for each in response.get("choices", [])]
    return found if scope.parameters.flag("simplify", default=True) else {**response, "choices": found}


def first_message(response: Any) -> Mapping[str, Any]:
    """Return the first message of a response; an empty one where no choice has any. Raise NodeError where there are no choices."""
    found = response.get("choices", UNDEFINED) if isinstance(response, Mapping) else UNDEFINED
    if not isinstance(found, list):
        raise unreadable(None if found is None else UNDEFINED, "0")
    message = found[0].get("message") if found and isinstance(found[0], Mapping) else None
    return message if isinstance(message, Mapping) else {}


def _read_choice(choice: Any) -> Any:
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(message, Mapping):
        return choice
    return {**choice, "message": {**message, "content": parsed(message.get("content"))}}


def parsed(text: Any) -> Any:
    """Return the JSON of a text; what is none as it is."""
    try:
        return parse_json(text) if isinstance(text, str) else text
    except NotJsonError:
        return text


def entries(collection: Any) -> list[Any]:
    """Return the values of a fixed collection."""
    return list((collection or {}).get("values") or [])


def require_one(prompts: list[Any]) -> None:
    """Raise NodeError unless one of the prompts is a text that says something; those of messages may be anything else."""
    if not any(isinstance(each, str) and each.strip() for each in prompts):
        raise NodeError("A non-empty prompt is required.")
