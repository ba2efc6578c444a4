"""Microsoft Teams: the text of a question, members of chats, meetings, tasks, and people who are mentioned."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS
from runtime.integrations.microsoft_teams.people import create_chat, send_with_mentions
from runtime.integrations.questions import question_html as question
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "changed_meeting",
    "changed_task",
    "create_chat",
    "history_start",
    "join_url",
    "meeting_of_id",
    "new_meeting",
    "new_task",
    "question",
    "send_with_mentions",
    "wrong_changes",
]
_TIMES: Final = {"startDateTime": "Start Time", "endDateTime": "End Time"}


def history_start(scope: Scope) -> Any:
    """Return from when on a new member of a chat sees its messages; UNDEFINED: from now on."""
    given = scope.parameters.get("options") or {}
    if given.get("shareHistory") == "all":
        return "0001-01-01T00:00:00Z"
    moment = given.get("historyStartDate")
    return FILTERS["iso"](moment) if given.get("shareHistory") and moment else UNDEFINED


def join_url(scope: Scope) -> str:
    """Return the condition that finds a meeting by the address to join it."""
    address = js_string(FILTERS["locator"](scope.parameters.get("meetingId"))).replace("'", "''")
    return f"JoinWebUrl eq '{address}'"


def new_meeting(scope: Scope) -> dict[str, Any]:
    """Return the body that makes a meeting. Raise NodeError for a time that is none."""
    parameters = scope.parameters
    body: dict[str, Any] = {"subject": parameters.get("subject")}
    body |= {name: _time(parameters.get(name), name, scope) for name in _TIMES}
    return body | _settings(parameters.get("options") or {}, scope)


def meeting_of_id(scope: Scope) -> dict[str, Any]:
    """Return the body that makes the meeting of an external id, unless it is there. Raise NodeError for a time that is none."""
    return {"externalId": scope.parameters.get("externalId"), **_settings(scope.parameters.get("options") or {}, scope)}


def changed_meeting(scope: Scope) -> dict[str, Any]:
    """Return the body that changes a meeting. Raise NodeError for a time that is none."""
    return _settings(scope.parameters.get("updateFields") or {}, scope)


def wrong_changes(scope: Scope) -> Any:
    """Return why a meeting cannot be changed so; UNDEFINED: it can."""
    given = scope.parameters.get("updateFields") or {}
    if not given:
        return "No fields are set to update"
    alone = bool(given.get("startDateTime")) != bool(given.get("endDateTime"))
    return "Start Time and End Time must be updated together" if alone else UNDEFINED


def _settings(given: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in given.items():
        if name == "lobbyBypassScope":
            body["lobbyBypassSettings"] = {"scope": value}
        elif name == "passcodeRequired":
            body["joinMeetingIdSettings"] = {"isPasscodeRequired": value}
        elif name not in _TIMES:
            body[name] = value
        elif value:
            body[name] = _time(value, name, scope)
    return body


def _time(value: Any, name: str, scope: Scope) -> str:
    try:
        return js_string(FILTERS["iso"](value)).replace(".000Z", "Z")
    except NodeError as error:
        raise NodeError(f"The {_TIMES[name]} is not a valid date", item=scope.index) from error


def new_task(scope: Scope) -> dict[str, Any]:
    """Return the body that makes a task."""
    parameters = scope.parameters
    body = {name: FILTERS["locator"](parameters.get(name)) for name in ("planId", "bucketId", "title")}
    return body | _task(parameters.get("options" if scope.version >= 2 else "additionalFields") or {}, scope)


def changed_task(scope: Scope) -> dict[str, Any]:
    """Return the body that changes a task."""
    return _task(scope.parameters.get("updateFields") or {}, scope)


def _task(given: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, each in given.items():
        value = FILTERS["locator"](each)
        if name == "dueDateTime" and scope.version >= 2:
            body[name] = FILTERS["iso"](value)
        elif name == "assignedTo":
            assignment = {"@odata.type": "microsoft.graph.plannerAssignment", "orderHint": " !"}
            body["assignments"] = {js_string(value): assignment}
        elif name != "groupId":
            body[name] = value
    if isinstance(labels := body.get("labels"), list):
        body["appliedCategories"] = [{js_string(each): True} for each in labels]
    return body
