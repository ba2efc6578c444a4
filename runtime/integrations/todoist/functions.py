"""Todoist: the bodies of tasks, commands of its synchronisation, and a list up to its limit."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS, is_empty, snake_case
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

_PLACES: Final = 2.1
"""From this version on a task is moved to more than sections."""
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


def task_with_labels(scope: Scope) -> dict[str, Any]:
    """Return the body of a new task, with the names of the labels that were asked for."""
    return task(scope) | _labels(scope)


def changes_with_labels(scope: Scope) -> dict[str, Any]:
    """Return the members of a task that change, with the names of the labels that were asked for."""
    return changes(scope) | _labels(scope)


def _labels(scope: Scope) -> dict[str, Any]:
    found = scope.names.get("labels") or []
    return {"labels": [each.get("name") if isinstance(each, Mapping) else None for each in found]} if found else {}


def move(scope: Scope) -> dict[str, Any]:
    """Return the command that moves a task: to a section, in the newer versions also below a task or to a project."""
    parameters, options = scope.parameters, scope.parameters.get("options") or {}
    if scope.version < _PLACES:
        place = {"section_id": parameters.get("section", "")}
    elif options.get("parent"):
        place = {"parent_id": options["parent"]}
    elif options.get("section"):
        place = {"section_id": options["section"]}
    else:
        place = {"project_id": FILTERS["locator"](parameters.get("project"))}
    return _command("item_move", {"id": parameters.get("taskId"), **place})


def new_reminder(scope: Scope) -> dict[str, Any]:
    """Return the command that adds a reminder."""
    parameters = scope.parameters
    given = {
        "string": "natural_language_representation",
        "date": "date",
        "datetime": "datetime",
        "timezone": "timezone",
    }
    due = {name: parameters[each] for name, each in given.items() if each in parameters}
    arguments = {"item_id": parameters.get("itemId"), "due": due, **(parameters.get("reminderOptions") or {})}
    return {**_command("reminder_add", arguments), "temp_id": str(uuid4())}


def changed_reminder(scope: Scope) -> dict[str, Any]:
    """Return the command that changes a reminder."""
    parameters = scope.parameters
    return _command(
        "reminder_update", {"id": parameters.get("reminderId"), **(parameters.get("reminderUpdateFields") or {})}
    )


def old_reminder(scope: Scope) -> dict[str, Any]:
    """Return the command that removes a reminder."""
    return _command("reminder_delete", {"id": scope.parameters.get("reminderId")})


def _command(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "uuid": str(uuid4()), "args": dict(arguments)}


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
    if scope.parameters.get("returnAll"):
        return found
    if not isinstance(found, list):
        raise NodeError(
            "responseData.splice is not a function", description="Todoist answered with something else than a list."
        )
    return found[: scope.parameters.get("limit", 50)]
