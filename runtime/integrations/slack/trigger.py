"""Slack Trigger: events of an app, with names in place of ids and with files where they are wanted."""

from collections.abc import Mapping
from typing import Any, Final, cast

from runtime.contract import Item, Items, NodeError
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope

_SHARED: Final = "file_share"
"""Slack tells of a shared file in several ways; where n8n waits for one, it takes any event (observed)."""
_OF_THE_WORKSPACE: Final = ("team_join", "app_home_opened")
"""Events that n8n takes whatever channel is watched."""


def items(scope: Scope) -> list[Any]:
    """Return the event; nothing when it is not one that is wanted, or in another channel. Raise NodeError when there is none."""
    event = (scope.names["body"] or {}).get("event") if isinstance(scope.names["body"], Mapping) else None
    if event is None:
        raise NodeError("The delivery has no event: it is not one of Slack")
    if not isinstance(event, Mapping):
        return []
    if not _is_wanted(event, scope):
        return []
    parameters = scope.parameters
    if not parameters.get("watchWorkspace") and event.get("type") not in _OF_THE_WORKSPACE:
        watched = scope.located("channelId", parameters.get("channelId"))
        if _place(event) != watched:
            return []
    options = parameters.get("options") or {}
    if event.get("user") in (options.get("userIds") or []):
        return []
    emojis = [each.strip(":") for each in FILTERS["split"](options.get("reactionEmojis") or "")]
    if event.get("type") == "reaction_added" and emojis and event.get("reaction") not in emojis:
        return []
    return [dict(event)]


def _is_wanted(event: Mapping[str, Any], scope: Scope) -> bool:
    wanted = scope.parameters.get("trigger") or []
    return "any_event" in wanted or _SHARED in wanted or event.get("type") in wanted


def _place(event: Mapping[str, Any]) -> Any:
    """Return the channel that is compared with the watched one: n8n takes an event about a channel for none in it."""
    return event.get("channel") or event.get("channel_id") or (event.get("item") or {}).get("channel")


def _channel(event: Mapping[str, Any]) -> Any:
    """Return the id of the channel in which something happened; None: it is about none."""
    channel = _place(event)
    return channel.get("id") if isinstance(channel, Mapping) else channel


async def resolved(run: Run) -> Items:
    """Return the events with the names of users and channels, and with their files."""
    return [await _resolved(run, i, item) for i, item in enumerate(run.items)]


async def _resolved(run: Run, i: int, item: Item) -> Item:
    scope, event = await run.scope(i), dict(item["json"])
    binary = {}
    if (scope.parameters.get("options") or {}).get("resolveIds"):
        for member in ("user", "item_user"):
            if isinstance(event.get(member), str):
                found = await run.request(scope, path="/users.info", query={"user": event[member]})
                event[f"{member}_resolved"] = found["user"]["name"]
        if isinstance(event.get("user"), Mapping) and "name" in event["user"]:  # of an event about a user
            event["user_resolved"] = event["user"]["name"]
        if (channel := _channel(event)) is not None:
            found = await run.request(scope, path="/conversations.info", query={"channel": channel})
            event["channel_resolved"] = found["channel"]["name"]
    if scope.parameters.get("downloadFiles"):
        for number, each in enumerate(event.get("files") or []):
            binary[f"file_{number}"] = await run.request(
                scope,
                url=each["url_private_download"],
                response="file",
                filename=each.get("name"),
                mime=each.get("mimetype"),
            )
    return cast("Item", {"json": event, **({"binary": binary} if binary else {})})
