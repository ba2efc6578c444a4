"""Notion Trigger: pages that were added to a database, or changed in it, since the last poll."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Items
from runtime.integrations.answers import appended, member_of_answer
from runtime.integrations.notion.properties import simple_page
from runtime.integrations.template import Template
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.integrations.triggers.times import Interval
from schemas.item import UNDEFINED

_PAGE: Final = 10
_MINUTE: Final = 60_000
"""Milliseconds: Notion dates changes to the minute."""


async def poll(poll: PollRun) -> Items:
    """Return the pages, newest first."""
    time = Interval(poll.state, poll.now - poll.now % _MINUTE)
    member = "created_time" if poll.scope.parameters.get("event") == "pageAddedToDatabase" else "last_edited_time"
    body: dict[str, Any] = {"page_size": 1, "sorts": [{"timestamp": member, "direction": "descending"}]}
    if poll.manual:
        time.close()
        return _shown(poll, appended(await _ask(poll, body), "results"))
    body["filter"] = {"timestamp": member, member: {"on_or_after": time.start}}
    newest = member_of_answer(await _ask(poll, body), "results")
    time.close()
    if not isinstance(newest, list) or not newest or member_of_answer(newest[0], "id") is UNDEFINED:
        return []
    pages = await poll.pages(
        method="POST",
        path=Template("{$place|path}"),
        json=body | {"page_size": _PAGE},
        page={
            "when": True,
            "needs_list": True,
            "items": Template("{$response.results}"),
            "next": {"json": {"start_cursor": Template("{$response.next_cursor}")}},
        },
    )
    seen = poll.state.get("possibleDuplicates") or []
    poll.state["possibleDuplicates"] = [
        each.get("id") for each in pages if member_of_answer(each, member) == newest[0].get(member)
    ]
    return _shown(poll, [each for each in pages if member_of_answer(each, "id") not in seen])


async def _ask(poll: PollRun, body: Mapping[str, Any]) -> Any:
    answer = await poll.request(method="POST", path=Template("{$place|path}"), json=dict(body))
    return None if answer is None else answer or {}


def _shown(poll: PollRun, pages: list[Any]) -> Items:
    if not poll.scope.parameters.get("simple"):
        return [{"json": each} for each in pages]
    return [{"json": flat} for flat in (simple_page(each, 1) for each in pages) if flat is not None]
