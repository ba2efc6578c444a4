"""OpenAI (older node): answers that are simplified, and images as files."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import Item
from runtime.integrations.answers import member_of_answer, unreadable
from runtime.integrations.files import stored
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.values import holds
from schemas.item import UNDEFINED

__all__ = ["choices", "images", "messages"]

_SIZED, _STYLED = {"model": ["dall-e-2", "dall-e-3"]}, {"model": ["dall-e-3"]}


def choices(scope: Scope) -> list[Any]:
    """Return the texts of an answer. Raise NodeError for one that is none."""
    found = _elements(scope, "choices", "text")
    for each in found:
        if member_of_answer(each, "text") is UNDEFINED:
            raise unreadable(UNDEFINED, "trim", scope.index)
    return found


def messages(scope: Scope) -> list[dict[str, Any]]:
    """Return the messages of an answer. Raise NodeError for an answer without any."""
    return [_members(each) for each in _elements(scope, "choices", "message")]


def _members(value: Any) -> dict[str, Any]:
    """Return the members that a value has in JavaScript: those of a list or a text are by place."""
    if isinstance(value, list | str):
        return {str(i): each for i, each in enumerate(value)}
    return dict(value) if isinstance(value, Mapping) else {}


def _elements(scope: Scope, name: str, member: str) -> list[Any]:
    """Return the elements of a list in an answer; what is no list is one. Raise NodeError for null, of which n8n reads `member`."""
    response = scope.names["response"]
    found = response.get(name, UNDEFINED) if isinstance(response, Mapping) else UNDEFINED
    elements = found if isinstance(found, list) else [found]
    for each in elements:
        if each is None or each is UNDEFINED:
            raise unreadable(each, member, scope.index)
    return elements


async def images(run: Run, scope: Scope) -> list[Item]:
    """Create images and return their files, or their addresses."""
    parameters = scope.parameters
    as_url = parameters.get("responseFormat") == "imageUrl"
    options, model = parameters.get("options") or {}, parameters.get("model") or parameters.get("imageModel", UNDEFINED)
    names = ["n", *(["size"] if holds(_SIZED, scope) else []), *(["quality", "style"] if holds(_STYLED, scope) else [])]
    body = {
        "prompt": parameters.get("prompt", UNDEFINED),
        "model": model,
        "response_format": "url" if as_url else "b64_json",
        **{name: options[name] for name in names if name in options},
    }
    response = await run.request(scope, method="POST", path="/images/generations", json=body)
    if as_url:
        found = response.get("data", UNDEFINED) if isinstance(response, Mapping) else UNDEFINED
        elements: list[Any] = found if isinstance(found, list) else [found]
        return [{"json": each} for each in elements]
    made: list[Item] = []
    for each in _elements(scope.having(response=response), "data", "b64_json"):
        ref = await stored(run, member_of_answer(each, "b64_json"), mime_type="image/png", file_name="data")
        made.append({"json": {}, "binary": {"data": ref}})
    return made
