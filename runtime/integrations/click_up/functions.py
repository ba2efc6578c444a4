"""ClickUp: the bodies of tasks, goals and time entries, and the filters of a list of tasks."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS, is_empty, leading_integer, snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify, truthy
from schemas.item import UNDEFINED

_MOMENTS: Final = frozenset({"dueDate", "startDate"})
_OWNERS: Final = {"owners": "owners", "addOwners": "add_owners", "removeOwners": "rem_owners"}
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
    everything = truthy(scope.parameters.get("returnAll"))
    return query | ({} if everything else {"limit": scope.parameters.get("limit")}) | {"page": 0}


def _operator(given: Mapping[str, Any]) -> Any:
    return "=" if given.get("operator") == "equal" else given.get("operator")


def goal(scope: Scope) -> dict[str, Any]:
    """Return the body of a goal to create or to change: owners that are no numbers are null, as in n8n."""
    parameters = scope.parameters
    body = {"name": parameters["name"]} if "name" in parameters else {}
    for name, value in (parameters.get("additionalFields") or parameters.get("updateFields") or {}).items():
        if not truthy(value):
            continue
        if name in ("owners", "addOwners", "removeOwners"):
            body[_OWNERS[name]] = _numbers(value)
        else:
            body[snake_case(name)] = FILTERS["epoch_ms"](value) if name == "dueDate" else value
    return body


def key_result(scope: Scope) -> dict[str, Any]:
    """Return the body of a key result. Raise NodeError where what its type needs is not set."""
    parameters, given = scope.parameters, dict(scope.parameters.get("additionalFields") or {})
    kind = parameters.get("type")
    if kind in ("number", "currency") and not given.get("unit"):
        raise NodeError("Unit field must be set", item=scope.index)
    counted = kind in ("number", "percentage", "automatic", "currency")
    if counted and ("stepsStart" not in given or not given.get("stepsEnd")):
        raise NodeError("Steps start and steps end fields must be set", item=scope.index)
    body = {"name": parameters.get("name"), "type": kind}
    for name, value in given.items():
        if not truthy(value):
            continue
        if name == "owners":
            body[name] = _numbers(value)
        else:
            body[snake_case(name)] = js_string(value).split(",") if name in ("listIds", "taskIds") else value
    return body


def field_value(scope: Scope) -> Any:
    """Return the value of a custom field. Raise NodeError where it is to be JSON and is none."""
    value = scope.parameters.get("value", UNDEFINED)
    if not truthy(scope.parameters.get("jsonParse")):
        return value
    try:
        return FILTERS["json"](value)
    except NodeError as error:
        raise NodeError("Value is invalid JSON!", item=scope.index) from error


def time_entry(scope: Scope) -> dict[str, Any]:
    """Return the body of a new time entry. Raise NodeError for tags that are not JSON."""
    parameters, given = scope.parameters, dict(scope.parameters.get("additionalFields") or {})
    duration = parameters.get("duration")
    body = {
        "start": FILTERS["epoch_ms"](parameters.get("start")),
        "duration": duration * _MINUTE if isinstance(duration, int | float) else UNDEFINED,
        "tid": parameters.get("task"),
    }
    if given.get("tags"):
        given["tags"] = [FILTERS["json"](each) for each in given["tags"]]
    return body | given


def time_entry_changes(scope: Scope) -> dict[str, Any]:
    """Return the members of a time entry that change."""
    body = dict(scope.parameters.get("updateFields") or {})
    if truthy(body.get("start")):
        body["start"] = FILTERS["epoch_ms"](body["start"])
    if isinstance(body.get("duration"), int | float) and body["duration"]:
        body["duration"] *= _MINUTE
    if truthy(body.get("task")):
        body |= {"tid": body["task"], "custom_task_ids": True}
    return body


def added_tags(scope: Scope) -> dict[str, Any]:
    """Return tags for time entries. Raise NodeError without one."""
    tags = (scope.parameters.get("tagsUi") or {}).get("tagsValues")
    if not tags:
        raise NodeError("At least one tag must be set", item=scope.index)
    return {"time_entry_ids": _entry_ids(scope), "tags": tags}


def removed_tags(scope: Scope) -> dict[str, Any]:
    """Return names of tags that time entries lose. Raise NodeError for tags that are not JSON."""
    tags = [FILTERS["json"](each) for each in scope.parameters.get("tagNames") or []]
    return {"time_entry_ids": _entry_ids(scope), "tags": [FILTERS["get"](each, "name") for each in tags]}


def _entry_ids(scope: Scope) -> list[str]:
    return js_string(scope.parameters.get("timeEntryIds", "")).split(",")


def _numbers(text: Any) -> list[int | None]:
    return [leading_integer(each) for each in js_string(text).split(",")]
