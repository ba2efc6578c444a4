"""ClickUp: the bodies of tasks, and the filters of a list of them."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.filters import FILTERS, is_empty, snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import json_stringify

_MOMENTS: Final = frozenset({"dueDate", "startDate"})
_MINUTE: Final = 60_000
"""Milliseconds: ClickUp's unit of an estimate, which the node has in minutes."""


def task(scope: Scope) -> dict[str, Any]:
    """Return the body of a new task. Raise NodeError for custom fields that are not JSON."""
    given = dict(scope.parameters.get("additionalFields") or {})
    made = {"name": scope.parameters.get("name")} | _fields(given)
    if given.get("customFieldsJson"):
        made["custom_fields"] = FILTERS["json"](given["customFieldsJson"])
    return made


def changes(scope: Scope) -> dict[str, Any]:
    """Return the members of a task that change. Raise NodeError."""
    given = dict(scope.parameters.get("updateFields") or {})
    people = {
        wire: [FILTERS["str"](each) for each in FILTERS["split"](given.get(name) or "")]
        for name, wire in (("addAssignees", "add"), ("removeAssignees", "rem"))
    }
    numbers = {wire: [int(each) for each in ids if each.isdecimal()] for wire, ids in people.items()}
    return {"assignees": numbers} | _fields(given)


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    own = ("customFieldsJson", "addAssignees", "removeAssignees", "markdownContent", "parentId", "content")
    made: dict[str, Any] = {}
    for name, each in given.items():
        if name in own or each is None or each == "":
            continue
        value = FILTERS["epoch_ms"](each) if name in _MOMENTS else each
        made[snake_case(name)] = value * _MINUTE if name == "timeEstimate" else value
    if given.get("content"):
        made["markdown_content" if given.get("markdownContent") else "content"] = given["content"]
    return made | ({"parent": given["parentId"]} if given.get("parentId") else {})


def filters(scope: Scope) -> dict[str, Any]:
    """Return the query of a list of tasks, from its first page on."""
    given = dict(scope.parameters.get("filters") or {})
    custom = (given.pop("customFieldsUi", None) or {}).get("customFieldsValues") or []
    query: dict[str, Any] = {}
    for name, each in given.items():
        if not is_empty(each):
            query[snake_case(name)] = FILTERS["epoch_ms"](each) if name.startswith(("date", "dueDate")) else each
    if custom:
        tests = [
            {"field_id": each.get("fieldId"), "operator": _operator(each), "value": each.get("value")}
            for each in custom
        ]
        query["custom_fields"] = json_stringify(tests)
    return query | {"page": 0}


def _operator(given: Mapping[str, Any]) -> Any:
    return "=" if given.get("operator") == "equal" else given.get("operator")
