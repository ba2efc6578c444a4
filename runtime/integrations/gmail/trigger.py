"""Gmail Trigger: messages that have come since the last poll."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.answers import appended, member_of_answer
from runtime.integrations.filters import is_empty
from runtime.integrations.gmail.functions import search
from runtime.integrations.gmail.mail import parsed, simplified
from runtime.integrations.operation import WRONG_VALUES
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.values.javascript import js_number, js_string
from schemas.item import UNDEFINED

_METADATA: Final = {"format": "metadata", "metadataHeaders": ["From", "To", "Cc", "Bcc", "Subject"]}
_OWN_STATE: Final = 1.1
"""From this version on, what is remembered is below the node's name."""
_NO_DRAFTS: Final = 1.2
_NO_SENT: Final = 1.3
_PORTIONS: Final = 1.4
"""The version that takes some messages per poll and leaves the others for the next one."""
_MAX_FETCHES: Final = 10
"""After so many a message that cannot be read is given up."""
_MAX_FAILED: Final = 500
"""Messages that could not be read, of which the state keeps the last ones."""


async def poll(poll: PollRun) -> Items:
    """Return new messages, newest first."""
    state = _state(poll)
    now, since = int(poll.now // 1000), state.get("lastTimeChecked")
    try:
        messages = await _new_messages(poll, state, since if since is not None else now)
        items = await _items(poll, messages)
    except (NodeError, *WRONG_VALUES) as error:
        if poll.manual or (since is None and poll.scope.version < _PORTIONS):
            raise
        poll.run.context.log.info("a poll failed", reason=str(error))  # as in n8n, the next one asks again
        state.setdefault("lastTimeChecked", now)
        return []
    _remember(poll, state, messages, now if since is None else since)
    return items


def _remember(poll: PollRun, state: dict[str, Any], messages: list[dict[str, Any]], since: int) -> None:
    """Move on to the newest message. A poll that found only older ones, which had waited, does not move back."""
    newest = max((_seconds(each.get("internalDate")) for each in messages), default=0)
    if not poll.manual:
        state["lastTimeChecked"] = max(newest, since)
    elif messages:
        state["lastTimeChecked"] = int(poll.now // 1000)
    if messages:
        known = state.get("possibleDuplicates") or [] if newest <= since and not poll.manual else []
        state["possibleDuplicates"] = list(dict.fromkeys([*known, *(each.get("id") for each in messages)]))


def _seconds(milliseconds: Any) -> int:
    """Return the second of a message; 0 where Gmail's answer does not say it."""
    number = js_number(milliseconds)
    return int(number // 1000) if isfinite(number) else 0


def _state(poll: PollRun) -> dict[str, Any]:
    if poll.scope.version < _OWN_STATE:
        return poll.state
    state: dict[str, Any] = poll.state.setdefault(poll.name, {})
    return state


async def _new_messages(poll: PollRun, state: dict[str, Any], since: int) -> list[dict[str, Any]]:
    """Return the messages that were not seen before, drafts and sent ones among them."""
    if poll.manual or poll.scope.version < _PORTIONS:
        return await _fetched(poll, state, await _listed(poll, since), _options(poll))
    return await _portion(poll, state, since)


async def _listed(poll: PollRun, since: int) -> list[Any]:
    """Return the ids of what Gmail has; None for a message that has none."""
    query = search(poll.scope)
    words = [query.pop("q", "")]
    if not poll.manual:
        words.append(f"after:{since}")
    if poll.scope.version >= _PORTIONS:
        words.append("-in:scheduled")
    filters = poll.scope.parameters.get("filters") or {}
    drafts = filters.get("includeDrafts")  # Gmail knows no such thing; n8n sends it
    first: dict[str, Any] = {"maxResults": 1} if poll.manual else {}
    query = {**first, **query, "includeDrafts": drafts, "q": " ".join(each for each in words if each)}
    query = {name: each for name, each in query.items() if not is_empty(each)} | dict(_options(poll))
    if filters.get("sender") == "":
        query["sender"] = ""  # n8n takes away the filter only where it made words of it
    found = await poll.request(path="/messages", query=query, arrays="repeat")
    ids = [member_of_answer(each, "id") for each in appended(found, "messages")]
    return [None if each is UNDEFINED else each for each in ids]


async def _portion(poll: PollRun, state: dict[str, Any], since: int) -> list[dict[str, Any]]:
    """Return the messages of this poll: those that failed, then those that wait, then new ones; the others wait for the next one."""
    limit = int(poll.scope.parameters.get("maxResults") or 10)
    failing: list[list[Any]] = state.get("failedFetches") or []
    pending: list[Any] = state.get("pendingMessageIds") or []
    waiting = [*(id_ for id_, times in failing if times < _MAX_FETCHES), *pending]
    messages, left, tried = await _fetched(poll, state, waiting[:limit], {}), waiting[limit:], bool(pending)
    if not left:
        known = {*(state.get("possibleDuplicates") or []), *pending, *(id_ for id_, _ in failing)}
        fresh = [each for each in await _listed(poll, since) if each not in known]
        now = limit - len(messages)
        left, tried = fresh[now:], tried or bool(fresh)
        messages += await _fetched(poll, state, fresh[:now], _options(poll))
    if messages:
        state["noProgressTicks"] = 0
    if messages or tried:
        state["pendingMessageIds"] = [each for each in left if each in pending or each not in dict(failing)]
    return messages


async def _fetched(
    poll: PollRun, state: dict[str, Any], ids: list[Any], options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return messages; one that cannot be read is counted in the state, and the others go on.

    One without its source counts too, and is remembered as one that was seen.
    """
    messages, portions = list[dict[str, Any]](), poll.scope.version >= _PORTIONS
    for id_ in ids:
        failing: list[list[Any]] = state.get("failedFetches") or []
        before = next((times for known, times in failing if known == id_), 0) if portions else 0
        others = [each for each in failing if not portions or each[0] != id_]
        try:
            messages.append(await _message(poll, id_, options))
            if _is_wanted(poll, messages[-1]) and not _is_readable(poll, messages[-1]):
                raise NodeError("Gmail sent a message without its source")  # noqa: TRY301  # both are counted alike
        except NodeError as error:
            poll.run.context.log.info("a message could not be read", reason=error.message)
            state["failedFetches"] = [*others, [id_, before + 1]][-_MAX_FAILED:]
        else:
            if len(others) < len(failing):
                state["failedFetches"] = others
    return messages


async def _message(poll: PollRun, id_: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    query: Mapping[str, Any] = _METADATA if _is_simple(poll) else {"format": "raw", **options}
    named = "undefined" if id_ is None else js_string(id_)
    body: Any = await poll.request(path=f"/messages/{named}", query=dict(query), arrays="repeat")
    if isinstance(body, list):
        return {}  # as in n8n, a message without anything
    if not isinstance(body, dict):
        raise NodeError("Gmail sent no message")
    return body


def _is_readable(poll: PollRun, message: Mapping[str, Any]) -> bool:
    return _is_simple(poll) or isinstance(message.get("raw"), str)


async def _items(poll: PollRun, messages: list[dict[str, Any]]) -> Items:
    seen = [] if poll.manual else _state(poll).get("possibleDuplicates") or []
    wanted = [each for each in messages if _is_wanted(poll, each) and _is_readable(poll, each)]
    if not wanted:
        return []
    if _is_simple(poll):  # as in n8n, the labels are asked for also where no message is new
        shown = await _simplified(poll, wanted)
        return [item for item, each in zip(shown, wanted, strict=True) if _is_new(poll, each.get("id"), seen)]
    options = _options(poll)
    prefix = js_string(options.get("dataPropertyAttachmentsPrefixName") or "attachment_")
    attachments = bool(options.get("downloadAttachments"))
    new = [each for each in wanted if _is_new(poll, each.get("id"), seen)]
    return [await parsed(poll.run.context, each, prefix, 0, attachments=attachments) for each in new]


def _is_new(poll: PollRun, id_: Any, seen: list[Any]) -> bool:
    """Return whether no poll before had a message. One without an id is new, in older versions where no message is known alone."""
    return id_ not in seen and (not seen or isinstance(id_, str) or poll.scope.version >= _PORTIONS)


async def _simplified(poll: PollRun, messages: list[dict[str, Any]]) -> Items:
    """Return the messages with the names of their labels; as they are, as in n8n, when Gmail does not give the labels."""
    try:
        labels = appended(await poll.request(path="/labels"), "labels")
        return [{"json": simplified(each, labels)} for each in messages]
    except (NodeError, *WRONG_VALUES) as error:
        if poll.manual:
            raise
        poll.run.context.log.info("messages could not be simplified", reason=str(error))
        return [{"json": each} for each in messages]


def _is_wanted(poll: PollRun, message: Mapping[str, Any]) -> bool:
    version, labels = poll.scope.version, message.get("labelIds") or []
    filters = poll.scope.parameters.get("filters") or {}
    if "DRAFT" in labels and not filters.get("includeDrafts", version < _NO_DRAFTS):
        return False
    return not (version >= _NO_SENT and "SENT" in labels and "INBOX" not in labels)


def _is_simple(poll: PollRun) -> bool:
    return bool(poll.scope.parameters.get("simple"))


def _options(poll: PollRun) -> Mapping[str, Any]:
    options = poll.scope.parameters.get("options")
    return options if isinstance(options, Mapping) and not _is_simple(poll) else {}
