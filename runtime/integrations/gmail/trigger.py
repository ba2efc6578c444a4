"""Gmail Trigger: messages that have come since the last poll."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.filters import is_empty
from runtime.integrations.gmail.functions import search
from runtime.integrations.gmail.mail import parsed, simplified
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.values.javascript import js_string

_METADATA: Final = {"format": "metadata", "metadataHeaders": ["From", "To", "Cc", "Bcc", "Subject"]}
_OWN_STATE: Final = 1.1
"""From this version on, what is remembered is below the node's name."""
_NO_DRAFTS: Final = 1.2
_NO_SENT: Final = 1.3
_PORTIONS: Final = 1.4
"""The version that takes some messages per poll and leaves the others for the next one."""


async def poll(poll: PollRun) -> Items:
    """Return new messages, newest first."""
    state = _state(poll)
    now, since = int(poll.now // 1000), state.get("lastTimeChecked")
    try:
        messages = await _new_messages(poll, state, since if since is not None else now)
        items = await _items(poll, messages)
    except NodeError as error:
        if poll.manual or since is None:
            raise
        poll.run.context.log.info("a poll failed", reason=error.message)  # as in n8n, the next one asks again
        return []
    _remember(poll, state, messages, since, now)
    return items


def _remember(
    poll: PollRun, state: dict[str, Any], messages: list[dict[str, Any]], since: int | None, now: int
) -> None:
    """Move on to the newest message. A poll that found only older ones, which had waited, does not move back."""
    newest = max((int(each.get("internalDate") or 0) // 1000 for each in messages), default=now)
    ids = [each["id"] for each in messages]
    if messages and since is not None and newest <= since and not poll.manual:
        state["possibleDuplicates"] = [*ids, *(state.get("possibleDuplicates") or [])]
        return
    if messages or since is None:
        state["lastTimeChecked"] = now if poll.manual else newest
    if messages:
        state["possibleDuplicates"] = ids


def _state(poll: PollRun) -> dict[str, Any]:
    if poll.scope.version < _OWN_STATE:
        return poll.state
    state: dict[str, Any] = poll.state.setdefault(poll.name, {})
    return state


async def _new_messages(poll: PollRun, state: dict[str, Any], since: int) -> list[dict[str, Any]]:
    """Return the messages that were not seen before, drafts and sent ones among them."""
    query = search(poll.scope)
    words = [query.pop("q", "")]
    if not poll.manual:
        words.append(f"after:{since}")
    if poll.scope.version >= _PORTIONS:
        words.append("-in:scheduled")
    first: dict[str, Any] = {"maxResults": 1} if poll.manual else {}
    query = {**first, **query, "q": " ".join(each for each in words if each), **_options(poll)}
    query = {name: each for name, each in query.items() if not is_empty(each)}
    found = await poll.request(path="/messages", query=query, arrays="repeat")
    ids = [js_string(each["id"]) for each in found.get("messages") or []]
    seen = state.get("possibleDuplicates") or []
    if poll.scope.version >= _PORTIONS:
        ids = _portion(poll, state, ids, seen)
    return [await _message(poll, each) for each in ids]


def _portion(poll: PollRun, state: dict[str, Any], ids: list[str], seen: list[str]) -> list[str]:
    """Return the messages of this poll; the others wait for the next one."""
    if poll.manual:
        return ids
    waiting: list[str] = state.get("pendingMessageIds") or []
    fresh = list(dict.fromkeys([*waiting, *(each for each in ids if each not in seen)]))
    limit = int(poll.scope.parameters.get("maxResults") or 10)
    if fresh:
        state |= {"pendingMessageIds": fresh[limit:], "noProgressTicks": 0}
    return fresh[:limit]


async def _message(poll: PollRun, id_: str) -> dict[str, Any]:
    query: Mapping[str, Any] = _METADATA if _is_simple(poll) else {"format": "raw", **_options(poll)}
    body: dict[str, Any] = await poll.request(path=f"/messages/{id_}", query=dict(query), arrays="repeat")
    return body


async def _items(poll: PollRun, messages: list[dict[str, Any]]) -> Items:
    seen = [] if poll.manual else _state(poll).get("possibleDuplicates") or []
    wanted = [each for each in messages if each.get("id") not in seen and _is_wanted(poll, each)]
    if not wanted:
        return []
    if _is_simple(poll):
        labels = (await poll.request(path="/labels")).get("labels") or []
        return [{"json": simplified(each, labels)} for each in wanted]
    options = _options(poll)
    prefix = js_string(options.get("dataPropertyAttachmentsPrefixName") or "attachment_")
    attachments = bool(options.get("downloadAttachments"))
    return [await parsed(poll.run.context, each, prefix, 0, attachments=attachments) for each in wanted]


def _is_wanted(poll: PollRun, message: Mapping[str, Any]) -> bool:
    version, labels = poll.scope.version, message.get("labelIds") or []
    filters = poll.scope.parameters.get("filters") or {}
    if "DRAFT" in labels and version >= _NO_DRAFTS and not filters.get("includeDrafts"):
        return False
    return not (version >= _NO_SENT and "SENT" in labels and "INBOX" not in labels)


def _is_simple(poll: PollRun) -> bool:
    return bool(poll.scope.parameters.get("simple"))


def _options(poll: PollRun) -> Mapping[str, Any]:
    options = poll.scope.parameters.get("options")
    return options if isinstance(options, Mapping) and not _is_simple(poll) else {}
