"""Google Calendar: the body of an event, and lists in which a recurring event is its next occurrence."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

from runtime.contract import Item, NodeError
from runtime.integrations.answers import ThrownError, unreadable
from runtime.integrations.filters import FILTERS, INSTANT, is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.dates import parse_date
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED, NoJson

_MEMBERS: Final = {
    "color": "colorId", "description": "description", "guestsCanInviteOthers": "guestsCanInviteOthers",
    "guestsCanModify": "guestsCanModify", "guestsCanSeeOtherGuests": "guestsCanSeeOtherGuests", "id": "id",
    "location": "location", "showMeAs": "transparency", "summary": "summary", "visibility": "visibility",
}  # fmt: skip
_NO_DATE: Final = "Invalid date"
"""What n8n sends for a text that is no date; Google refuses it."""
_SINCE_ZONES: Final = 1.1
_SINCE_ADDED_ATTENDEES: Final = 1.2
_SINCE_WINDOW: Final = 1.3
"""Versions since which an update names the time zone, attendees are added, and a list has a window of time."""


def _moment(value: Any, scope: Scope) -> datetime | None:
    """Return a moment as n8n's library of dates reads it: undefined is now, a number milliseconds, an object the day; None: it is none."""
    if value is UNDEFINED or value == []:
        return datetime.fromtimestamp(scope.now / 1000, UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000, UTC)
    if isinstance(value, Mapping):
        zone = ZoneInfo(scope.timezone)
        today = datetime.fromtimestamp(scope.now / 1000, zone)
        return today.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    instant = parse_date(js_string(value), scope.timezone, scope.now)
    return None if instant is None else datetime.fromtimestamp(instant.ms / 1000, UTC)


def _seconds(value: Any, scope: Scope) -> str:
    moment = _moment(value, scope)
    return _NO_DATE if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(value: Any, scope: Scope) -> str:
    moment = _moment(value, scope)
    return _NO_DATE if moment is None else moment.astimezone(ZoneInfo(scope.timezone)).strftime("%Y-%m-%d")


def busy_window(scope: Scope) -> dict[str, Any]:
    """Return the body of a question for busy times."""
    parameters = scope.parameters
    zone = FILTERS["locator"]((parameters.get("options") or {}).get("timezone"))
    return {
        "timeMin": _seconds(parameters.get("timeMin"), scope),
        "timeMax": _seconds(parameters.get("timeMax"), scope),
        "items": [{"id": scope.names["calendarId"]}],
        "timeZone": scope.timezone if is_empty(zone) else zone,
    }


def busy(scope: Scope) -> Any:
    """Return the answer in the chosen format. Raise NodeError."""
    response = scope.names["response"]
    if response is None or response is UNDEFINED:
        raise unreadable(response, "calendars")
    calendars = response.get("calendars") if isinstance(response, Mapping) else None
    found = calendars.get(scope.names["calendarId"]) if isinstance(calendars, Mapping) else None
    if not isinstance(found, Mapping):
        missing = calendars if not isinstance(calendars, Mapping) else found
        raise unreadable(
            missing or UNDEFINED, "errors" if isinstance(calendars, Mapping) else js_string(scope.names["calendarId"])
        )
    if found.get("errors"):
        raise NodeError(f"Google Calendar: {js_string(found['errors'][0].get('reason'))}", item=scope.index)
    format_ = (scope.parameters.get("options") or {}).get("outputFormat") or "availability"
    if format_ == "raw":
        return response
    times = found.get("busy") or []
    return times if format_ == "bookedSlots" else {"available": not times}


def new_event(scope: Scope) -> dict[str, Any]:
    """Return the body of an event that is created. Raise NodeError."""
    parameters = scope.parameters
    fields = parameters.get("additionalFields") or {}
    body: dict[str, Any] = {}
    for name in ("start", "end"):
        value = parameters.get(name, UNDEFINED)
        if fields.get("allday") == "yes":
            body[name] = {"date": _day(value, scope)}
        else:
            body[name] = {"dateTime": _seconds(value, scope), "timeZone": scope.timezone}
    if truthy(fields.get("attendees")):
        body["attendees"] = _attendees(fields["attendees"], scope)
    body |= _members(fields) | _reminders(scope)
    body["recurrence"] = _recurrence(fields, scope)
    solution = ((fields.get("conferenceDataUi") or {}).get("conferenceDataValues") or {}).get("conferenceSolution")
    if solution:
        request = {"requestId": str(uuid4()), "conferenceSolution": {"type": solution}}
        body["conferenceData"] = {"createRequest": request}
    return body


def _members(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {member: fields[name] for name, member in _MEMBERS.items() if fields.get(name)}


def _attendees(given: Any, scope: Scope) -> list[dict[str, str]]:
    if not isinstance(given, list):
        raise NodeError(
            "attendees.forEach is not a function",
            description="Attendees must be a list of addresses.",
            item=scope.index,
        )
    return [{"email": each} for entry in given for each in FILTERS["split"](js_string(entry))]


def _reminders(scope: Scope) -> dict[str, Any]:
    if truthy(scope.parameters.get("useDefaultReminders")):
        return {}
    chosen = (scope.parameters.get("remindersUi") or {}).get("remindersValues")
    return {"reminders": {"useDefault": False} | ({"overrides": chosen} if chosen else {})}


def _recurrence(fields: Mapping[str, Any], scope: Scope) -> list[str]:
    if fields.get("rrule"):
        return [f"RRULE:{js_string(fields['rrule'])}"]
    often, times, until = (fields.get(name) for name in ("repeatFrecuency", "repeatHowManyTimes", "repeatUntil"))
    if times and until:
        raise NodeError(
            "Set either 'Repeat How Many Times' or 'Repeat Until', not both: Google takes only one of them",
            item=scope.index,
        )
    parts = [f"FREQ={js_string(often).upper()};"] if often else []
    parts += [f"COUNT={js_string(times)};"] if times else []
    parts += [f"UNTIL={_until(until, scope)}Z"] if until else []
    return [f"RRULE:{''.join(parts)}"] if parts else []


def _until(value: Any, scope: Scope) -> str:
    moment = _moment(value, scope)
    return _NO_DATE if moment is None else moment.strftime("%Y%m%dT%H%M%S")


async def update_event(run: Run, scope: Scope) -> list[Item]:
    """Change an event, or all events of its series."""
    parameters, fields = scope.parameters, scope.parameters.get("updateFields") or {}
    events = f"/calendars/{segment(scope.names['calendarId'])}/events"
    event_id = js_string(parameters.get("eventId", UNDEFINED))
    if parameters.get("modifyTarget") == "event":
        occurrence = await run.request(scope, path=f"{events}/{segment(event_id)}")
        event_id = js_string(occurrence.get("recurringEventId") or event_id)
    path = f"{events}/{segment(event_id)}"
    body = _times(fields, scope)
    if scope.version < _SINCE_ADDED_ATTENDEES:
        if "attendees" in fields:
            body["attendees"] = _attendees(fields["attendees"], scope)
    elif chosen := (fields.get("attendeesUi") or {}).get("values"):
        attendees = _attendees(chosen.get("attendees") or [], scope)
        if chosen.get("mode") == "add":
            attendees = [*((await run.request(scope, path=path)).get("attendees") or []), *attendees]
        body["attendees"] = attendees
    body |= _members(fields) | _reminders(scope)
    if recurrence := _recurrence(fields, scope):
        body["recurrence"] = recurrence
    query = {name: fields[name] for name in ("maxAttendees", "sendUpdates") if fields.get(name)}
    changed = await run.request(scope, method="PATCH", path=path, query=query, json=body or None)
    return [{"json": each} for each in (changed if isinstance(changed, list) else [changed])]


def _times(fields: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name in ("start", "end"):
        value = fields.get(name)
        if not value:
            continue
        if fields.get("allday") == "yes":
            body[name] = {"date": _day(value, scope), "dateTime": None}
        else:
            zone = {"timeZone": scope.timezone} if scope.version >= _SINCE_ZONES else {}
            body[name] = {"dateTime": _seconds(value, scope)} | zone | {"date": None}
    return body


async def get_event(run: Run, scope: Scope) -> list[Item]:
    """Return an event, or the next occurrence of a series."""
    options = scope.parameters.get("options") or {}
    query = {"maxAttendees": options.get("maxAttendees"), "timeZone": FILTERS["locator"](options.get("timeZone"))}
    query = {name: each for name, each in query.items() if not is_empty(each) and each != 0}
    path = f"{_events(scope)}/{segment(scope.parameters.get('eventId'))}"
    event = await run.request(scope, path=path, query=query)
    return [{"json": await _next_occurrence(run, scope, event) if options.get("returnNextInstance") else event}]


async def list_events(run: Run, scope: Scope) -> list[Item]:
    """Return the events of a calendar."""
    everything, options = scope.parameters.get("returnAll"), scope.parameters.get("options") or {}
    query = await _listings(run, scope) | {"maxResults": 100 if everything else scope.parameters.get("limit")}
    # the limit is the size of the one page, which the service keeps to
    page = {
        "items": Template("{$response.items}"),
        "limit": None,
        "next": {"query": {"pageToken": Template("{$response.nextPageToken}")}},
    }
    events: Any = await run.pages(scope, path=_events(scope), query=query, page=page)
    if events is UNDEFINED:  # of an answer without events n8n makes one item
        return [{"json": NoJson()}]
    if options.get("recurringEventHandling") == "next":
        events = [await _next_occurrence(run, scope, each) for each in events]
    return [{"json": each} for each in events]


def _events(scope: Scope) -> str:
    return f"/calendars/{segment(scope.names['calendarId'])}/events"


async def _next_occurrence(run: Run, scope: Scope, event: Any) -> Any:
    if not event.get("recurrence"):
        return event
    path = f"{_events(scope)}/{segment(event['id'])}/instances"
    query = {"timeMin": _iso(datetime.fromtimestamp(scope.now / 1000, UTC)), "maxResults": 1}
    found = (await run.request(scope, path=path, query=query)).get("items") or []
    return found[0] if found else event


async def _listings(run: Run, scope: Scope) -> dict[str, Any]:
    """Return the query of a list: what an item leaves out is as in the one before, since n8n's node has one query for all items."""
    made: list[dict[str, Any]] = run.kept.setdefault("listings", [{}])
    while len(made) <= scope.index + 1:  # an item that an earlier attempt has done is read here
        i = len(made) - 1
        each = scope if i == scope.index else await run.scope(i)
        made.append(made[-1] | _listing(each, each.parameters.get("options") or {}))
    return made[scope.index + 1]


def _listing(scope: Scope, options: Mapping[str, Any]) -> dict[str, Any]:
    names = ("iCalUID", "maxAttendees", "orderBy", "showDeleted", "showHiddenInvitations", "fields")
    made: dict[str, Any] = {name: options.get(name) for name in names}
    made |= {"q": options.get("query"), "timeZone": FILTERS["locator"](options.get("timeZone"))}
    made["updatedMin"] = _window(options.get("updatedMin"), scope, made["timeZone"])
    window = scope.parameters if scope.version >= _SINCE_WINDOW else options
    made |= {name: _window(window.get(name), scope, made["timeZone"]) for name in ("timeMin", "timeMax")}
    expands = options.get("recurringEventHandling") in (None, "", "expand")
    made["singleEvents"] = expands if scope.version >= _SINCE_WINDOW else options.get("singleEvents")
    return {name: each for name, each in made.items() if each}


def _window(value: Any, scope: Scope, zone: Any) -> Any:
    """Return an end of a window: an instant as it is written, another date in the zone of the question."""
    if not value or INSTANT.fullmatch(js_string(value)):
        return value
    if not isinstance(value, str):
        raise ThrownError("date.endsWith is not a function", description="Give the time as a text.", item=scope.index)
    return _seconds(value, replace(scope, timezone=js_string(zone)) if _is_zone(zone) else scope)


def _is_zone(zone: Any) -> bool:
    return bool(zone) and js_string(zone) in available_timezones()


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
