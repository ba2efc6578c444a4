"""Jotform Trigger: submissions, with the texts of the questions."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import ThrownError, member_of_answer
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

_QUESTION: Final = re.compile(r"q\d+_(.*)")


def hook(scope: Scope) -> Any:
    """Return the number of our webhook among those of the form."""
    response = scope.names.get("response")
    content = response.get("content") if isinstance(response, Mapping) else None
    if not isinstance(content, Mapping):
        return UNDEFINED
    return next((number for number, url in content.items() if url == scope.names["webhookUrl"]), UNDEFINED)


def created(scope: Scope) -> Any:
    """Return the number of our webhook, which Jotform has just taken. Raise ThrownError when it does not say."""
    response = scope.names.get("response")
    if response is None or member_of_answer(response, "content") in (None, UNDEFINED):
        raise ThrownError(
            "Cannot convert undefined or null to object", description="Jotform did not say which webhooks the form has."
        )
    return hook(scope)


def items(scope: Scope) -> list[Any]:
    """Return the fields of the delivery with the submission as an object. Raise NodeError when there is none."""
    body = scope.names["body"]
    if not isinstance(body, Mapping) or not isinstance(body.get("rawRequest"), str):
        raise NodeError("The delivery has no rawRequest: it is not one of Jotform")
    try:
        return [{**body, "rawRequest": parse_json(body["rawRequest"])}]
    except NotJsonError as error:
        raise NodeError("The rawRequest of the delivery is not JSON") from error


async def answers(run: Run) -> Items:
    """Return the submissions as the node wants them."""
    return [await _answers(run, i, item) for i, item in enumerate(run.items)]


async def _answers(run: Run, i: int, item: Item) -> Item:
    scope, json = await run.scope(i), dict(item["json"])
    raw = json.get("rawRequest")
    if not isinstance(raw, Mapping):
        return item
    if scope.parameters.get("resolveData"):
        found = await run.request(scope, path=f"/form/{scope.parameters['form']}/questions")
        json["rawRequest"] = raw = _named(raw, found.get("content") or {})
    return {"json": dict(raw) if scope.parameters.get("onlyAnswers") else json}


def _named(raw: Mapping[str, Any], questions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers by the text of their question: `q3_fullName` is the answer to the one that is called fullName."""
    texts = {each.get("name"): each.get("text") for each in questions.values()}
    named = {}
    for key, value in raw.items():
        match = _QUESTION.fullmatch(key)
        if match is not None and texts.get(match[1]) is not None:
            named[str(texts[match[1]])] = value
    return named
