"""Google Calendar Trigger: events that were created, changed or cancelled, or that began or ended, since the last poll."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Items, NodeApiError
from runtime.integrations.template import Template
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.integrations.triggers.times import Interval
from runtime.values.dates import parse_date

_PATH: Final = Template("/calendars/{$calendar|quote}/events")
_OF_TIME: Final = {"eventStarted": "start", "eventEnded": "end"}


async def poll(poll: PollRun) -> Items:
    """Return the events."""
    time, kind = Interval(poll.state, poll.now), str(poll.scope.parameters.get("triggerOn") or "")
    query: dict[str, Any] = {"showDeleted": kind == "eventCancelled"}
    if term := (poll.scope.parameters.get("options") or {}).get("matchTerm"):
        query["q"] = term
    if kind in _OF_TIME:
        query |= {"singleEvents": True, "orderBy": "startTime"}
        query |= {} if poll.manual else {"timeMin": time.start, "timeMax": time.end}
    else:
        query |= {"orderBy": "updated"} | ({} if poll.manual else {"updatedMin": time.start})
    if poll.manual:
        found = (await poll.request(path=_PATH, query=query | {"maxResults": 1})).get("items") or []
        time.close()
        if not found:
            raise NodeApiError("No data with the current filter could be found")
        return [{"json": each} for each in found]
    page = {
        "items": Template("{$response.items}"),
        "next": {"query": {"pageToken": Template("{$response.nextPageToken}")}},
    }
    found = await poll.pages(path=_PATH, query=query | {"maxResults": 100}, page={"when": True, **page})
    time.close()
    return [{"json": each} for each in found if _has_happened(each, kind, time)]


def _has_happened(event: Mapping[str, Any], kind: str, time: Interval) -> bool:
    if kind == "eventCancelled":
        return bool(event.get("status") == "cancelled")
    if kind == "eventCreated":
        return _within(event.get("created"), time)
    if kind == "eventUpdated":
        return bool(event.get("created") != event.get("updated"))
    moment = event.get(_OF_TIME.get(kind, "")) or {}
    return _within(moment.get("dateTime") or moment.get("date"), time)


def _within(value: Any, time: Interval) -> bool:
    at, start, end = parse_date(str(value or "")), parse_date(time.start), parse_date(time.end)
    return at is not None and start is not None and end is not None and start.ms <= at.ms < end.ms
