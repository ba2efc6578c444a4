"""Google Calendar Trigger: events that were created, changed or cancelled, or that began or ended, since the last poll."""

from typing import Any, Final

from runtime.contract import Items, NodeApiError
from runtime.integrations.answers import appended, member_of_answer
from runtime.integrations.template import Template
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.integrations.triggers.times import Interval
from runtime.values.dates import parse_date
from schemas.item import UNDEFINED

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
        found = appended(await poll.request(path=_PATH, query=query | {"maxResults": 1}), "items")
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


def _has_happened(event: Any, kind: str, time: Interval) -> bool:
    if kind == "eventCancelled":
        return bool(member_of_answer(event, "status") == "cancelled")
    if kind == "eventCreated":
        return _within(member_of_answer(event, "created"), time)
    if kind == "eventUpdated":
        return bool(member_of_answer(event, "created") != member_of_answer(event, "updated"))
    moment = member_of_answer(event, _OF_TIME.get(kind, ""))
    at = member_of_answer(moment, "dateTime")
    return _within(at if at and at is not UNDEFINED else member_of_answer(moment, "date"), time)


def _within(value: Any, time: Interval) -> bool:
    at = parse_date(str(value)) if value and value is not UNDEFINED else None
    start, end = parse_date(time.start), parse_date(time.end)
    return at is not None and start is not None and end is not None and start.ms <= at.ms < end.ms
