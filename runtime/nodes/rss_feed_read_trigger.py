"""RSS Feed Trigger: a run for the entries of a feed that are newer than all seen before."""

from datetime import UTC, datetime
from typing import Any

from runtime.contract import ActivityContext, Dynamic, Items, param
from runtime.nodes.polling import Poll
from runtime.nodes.rss_feed_read import read_feed


class RssFeedReadTrigger(Poll):
    """The first poll only remembers the time of the newest entry, unless entries are dated after it began."""

    type = "n8n-nodes-base.rssFeedReadTrigger"
    versions = (1,)

    feed_url: Dynamic[Any] = param("https://blog.n8n.io/rss/", required=True, label="Feed URL")

    async def poll(self, context: ActivityContext, state: dict[str, Any]) -> Items:
        """Return entries with a date after the newest of the last poll."""
        since = _moment(state.get("lastItemDate")) or context.now
        entries = await read_feed(context, self.feed_url)
        if context.mode == "manual":
            return [{"json": entry} for entry in entries[:1]]
        dated = [(at, entry) for entry in entries if (at := _moment(entry.get("isoDate"))) is not None]
        if dated:
            state["lastItemDate"] = _text(max(at for at, _ in dated))
        return [{"json": entry} for at, entry in dated if at > since]


def _moment(text: Any) -> float | None:
    """Return milliseconds since the epoch of an ISO date."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000


def _text(milliseconds: float) -> str:
    at = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
