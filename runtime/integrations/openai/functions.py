"""OpenAI (older node): answers that are simplified, and images as files."""

from typing import Any

from runtime.contract import Item
from runtime.integrations.answers import unreadable
from runtime.integrations.files import stored
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.values import holds
from schemas.item import UNDEFINED

__all__ = ["choices", "images", "messages"]

_SIZED, _STYLED = {"model": ["dall-e-2", "dall-e-3"]}, {"model": ["dall-e-3"]}


def choices(scope: Scope) -> Any:
    """Return the texts of an answer. Raise NodeError for an answer without any, and of a completion for one that is none."""
    found = _choices(scope, "text")
    if scope.parameters.get("operation") != "complete" or not isinstance(found, list):
        return found
    for each in found:
        if not isinstance(each, dict) or "text" not in each:
            raise unreadable(UNDEFINED, "trim", scope.index)
    return found


def messages(scope: Scope) -> Any:
    """Return the messages of an answer. Raise NodeError for an answer without any."""
    return _choices(scope, "message")


def _choices(scope: Scope, member: str) -> Any:
    response = scope.names["response"]
    found = response.get("choices") if isinstance(response, dict) else None
    if found is None:
        raise unreadable(UNDEFINED, member, scope.index)
    return found


async def images(run: Run, scope: Scope) -> list[Item]:
    """Create images and return their files, or their addresses."""
    parameters = scope.parameters
    as_url = parameters["responseFormat"] == "imageUrl"
    options, model = parameters.get("options") or {}, parameters.get("model") or parameters.get("imageModel", UNDEFINED)
    names = ["n", *(["size"] if holds(_SIZED, scope) else []), *(["quality", "style"] if holds(_STYLED, scope) else [])]
    body = {
        "prompt": parameters.get("prompt", UNDEFINED),
        "model": model,
        "response_format": "url" if as_url else "b64_json",
        **{name: options[name] for name in names if name in options},
    }
    response = await run.request(scope, method="POST", path="/images/generations", json=body)
    found = response.get("data") or []
    if as_url:
        return [{"json": each} for each in found]
    made: list[Item] = []
    for each in found:
        ref = await stored(run, each.get("b64_json", UNDEFINED), mime_type="image/png", file_name="data")
        made.append({"json": {}, "binary": {"data": ref}})
    return made
