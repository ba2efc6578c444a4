"""Typeform Trigger: responses to a form."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

_REFERENCE: Final = re.compile(r"\{\{([^{}]+)\}\}")
_UNKNOWN: Final = "undefined"
"""What n8n calls a question that the form does not have."""
_BY_FIELD: Final = 1.1
"""From this version on the answers that are not simplified are an object by the id of the field."""


def tag(scope: Scope) -> str:
    """Return the name of the webhook at Typeform."""
    return f"n8n-{scope.names['random'][:10]}"


def items(scope: Scope) -> list[Any]:
    """Return the response. Raise NodeError when the delivery has none."""
    body = scope.names["body"]
    response = body.get("form_response") if isinstance(body, Mapping) else None
    if not isinstance(response, Mapping) or "definition" not in response or "answers" not in response:
        raise NodeError("Expected definition/answers data is missing!")
    only = scope.parameters.get("onlyAnswers")
    if scope.parameters.get("simplifyAnswers"):
        answers = _simple(response["answers"], response["definition"].get("fields") or [])
        return [answers] if only else [{**body, "form_response": {**response, "answers": answers}}]
    if not only:
        return [body]
    if scope.version < _BY_FIELD:
        return [response["answers"]]
    return [{_id(each): each for each in response["answers"]}]


def _simple(answers: Sequence[Mapping[str, Any]], fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    titles = {each.get("id"): _REFERENCE.sub(r"[\1]", str(each.get("title", _UNKNOWN))) for each in fields}
    named = ((titles.get(_id(each), _UNKNOWN), _value(each)) for each in answers)
    return {title: value for title, value in named if value is not UNDEFINED}


def _id(answer: Mapping[str, Any]) -> str:
    return str(answer["field"].get("id", _UNKNOWN))


def _value(answer: Mapping[str, Any]) -> Any:
    value = answer.get(str(answer.get("type")), UNDEFINED)
    if not isinstance(value, Mapping):
        return value
    return value.get("label", value.get("labels", value))
