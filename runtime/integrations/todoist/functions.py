"""Todoist: the bodies of tasks, and a list up to its limit."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.filters import FILTERS, is_empty, snake_case
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

_NAMES: Final = {"dueDateTime": "due_datetime", "section": "section_id", "parentId": "parent_id"}


def task(scope: Scope) -> dict[str, Any]:
    """Return the body of a new task."""
    parameters = scope.parameters
    given = dict(parameters.get("options") or {})
    made: dict[str, Any] = {"content": parameters.get("content")}
    if project := FILTERS["locator"](parameters.get("project")):
        made["project_id"] = project
    made["priority"] = given.pop("priority", None) or 1
    made |= _fields(given)
    return made | ({"labels": parameters["labels"]} if parameters.get("labels") else {})


def changes(scope: Scope) -> dict[str, Any]:
    """Return the members of a task that change."""
    return _fields(scope.parameters.get("updateFields") or {})


def next_page(scope: Scope) -> Any:
    """Return the query of the next page of tasks, with what is left of the limit; UNDEFINED after the last."""
    cursor = scope.names["response"].get("next_cursor")
    if is_empty(cursor):
        return UNDEFINED
    if scope.parameters.get("returnAll"):
        return {"cursor": cursor}
    return {"cursor": cursor, "limit": int(scope.parameters.get("limit") or 0) - scope.names["collected"]}


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    made = {}
    for name, each in given.items():
        if is_empty(each):
            continue
        value = FILTERS["iso"](each).replace(".000Z", "Z") if name == "dueDateTime" else each
        made[_NAMES.get(name) or snake_case(name)] = value
    return made


def tasks(scope: Scope) -> Any:
    """Return the tasks of an answer, cut at the limit."""
    found = scope.names["response"]
    if scope.parameters.get("returnAll") or not isinstance(found, list):
        return found
    return found[: scope.parameters.get("limit", 50)]
