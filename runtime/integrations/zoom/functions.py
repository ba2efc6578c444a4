"""Zoom: the body of a meeting, and the pages of meetings."""

from typing import Any

from runtime.integrations.filters import FILTERS, snake_case
from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED


def meeting(scope: Scope) -> dict[str, Any]:
    """Return the body of a meeting to create or to change. Raise NodeError for a start that is no date."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or parameters.get("updateFields") or {})
    body: dict[str, Any] = {}
    if settings := given.get("settings"):
        body["settings"] = {snake_case(name): each for name, each in settings.items()}
    if "topic" in parameters or given.get("topic"):
        body["topic"] = parameters.get("topic", given.get("topic"))
    if given.get("type"):
        body["type"] = given["type"]
    if given.get("startTime"):
        start = FILTERS["iso"](given["startTime"]).partition(".")[0]
        body["start_time"] = start if given.get("timeZone") else f"{start}Z"  # local to the time zone, else in UTC
    for name, wire in (
        ("duration", "duration"),
        ("scheduleFor", "schedule_for"),
        ("timeZone", "timezone"),
        ("password", "password"),
        ("agenda", "agenda"),
    ):
        if given.get(name):
            body[wire] = given[name]
    return body


def next_page(scope: Scope) -> Any:
    """Return the number of the next page; UNDEFINED after the last."""
    answer = scope.names["response"]
    return scope.names["page"] + 1 if scope.names["page"] + 1 < (answer.get("page_count") or 0) else UNDEFINED


def meetings(scope: Scope) -> Any:
    """Return the meetings; UNDEFINED, which gives one empty item, when one page is asked for and the answer has no list."""
    found = scope.names["response"].get("meetings", UNDEFINED)
    return scope.names["items"] if scope.parameters.get("returnAll") or found is not UNDEFINED else UNDEFINED
