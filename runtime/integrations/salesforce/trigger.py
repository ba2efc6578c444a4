"""Salesforce Trigger: records that were created or changed since the last poll."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.answers import appended, member_of_answer
from runtime.integrations.salesforce.functions import LISTED, NAME
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.integrations.triggers.times import stamp
from runtime.values.dates import parse_date
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_LATE: Final = 15 * 60_000
"""Milliseconds by which a poll reaches back: Salesforce may show a record later than it says that it was changed."""
_REMEMBERED: Final = 10_000
"""Records of earlier polls that the state keeps, by which those that are seen again are known."""
_MAX_PAGES: Final = 1_000
_BEFORE: Final = "/services/data/v59.0"
_ENDS: Final = ("Created", "Updated")


async def poll(poll: PollRun) -> Items:
    """Return the records that are new, or differ."""
    wanted = js_string(poll.scope.parameters.get("triggerOn") or "")
    kind, event = next(((wanted.removesuffix(each), each) for each in _ENDS if wanted.endswith(each)), (wanted, ""))
    query = _query(poll, kind, event)
    found = await _records(poll, query)
    seen: list[str] = poll.state.get("processedIds") or []
    known = set(seen)
    new = {key: each for each in found if each.get("Id") and (key := _key(each, event)) not in known}
    poll.state["processedIds"] = [*seen, *new][-_REMEMBERED:]
    poll.state["lastTimeChecked"] = stamp(poll.now, "milliseconds")
    return [{"json": dict(each)} for each in new.values()]


def _query(poll: PollRun, kind: str, event: str) -> str:
    """Return the query in SOQL. Raise NodeError for an object whose name is none."""
    custom = kind == "customObject"
    table = js_string(poll.scope.parameters.get("customObject") or "") if custom else kind[:1].upper() + kind[1:]
    if NAME.fullmatch(table) is None:
        raise NodeError(f"{table!r} is not the name of an object of Salesforce")
    fields = ",".join([*filter(None, [LISTED.get(kind, "id")]), "LastModifiedDate"])
    select = f"SELECT {fields} FROM {table}"  # noqa: S608  # the name was checked
    if poll.manual:
        return f"{select}  LIMIT 1"
    last = parse_date(js_string(poll.state.get("lastTimeChecked") or ""))
    start, end = stamp(poll.now if last is None else last.ms - _LATE, "milliseconds"), stamp(poll.now, "milliseconds")
    if event == "Created":
        return f"{select} WHERE CreatedDate >= {start} AND CreatedDate < {end}"
    return f"{select} WHERE LastModifiedDate >= {start} AND LastModifiedDate < {end} AND CreatedDate < {start}"


async def _records(poll: PollRun, query: str) -> list[Mapping[str, Any]]:
    path, found = "/query", list[Mapping[str, Any]]()
    for _ in range(_MAX_PAGES):
        answer = await poll.request(path=path, query={"q": query})
        found += appended(answer, "records")
        following = member_of_answer(answer, "nextRecordsUrl")
        path = "" if following in (None, UNDEFINED) else js_string(following).removeprefix(_BEFORE)
        if not path or poll.manual:
            return found
    raise NodeError(f"Salesforce gave more than {_MAX_PAGES} pages")


def _key(record: Mapping[str, Any], event: str) -> str:
    """Return by what a record is known: a changed one is another each time."""
    id_ = js_string(record.get("Id", UNDEFINED))
    return id_ if event == "Created" else f"{id_}_{js_string(record.get('LastModifiedDate'))}"
