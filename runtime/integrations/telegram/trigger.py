"""Telegram Trigger: updates of a bot, and the files in them."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from runtime.contract import Item, Items
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from schemas.item import UNDEFINED

_REFUSED: Final = re.compile(r"[^a-zA-Z0-9_-]")
_PHOTOS: Final = {"small": 0, "medium": 1, "large": 2, "extraLarge": 3}
_FILTERS: Final = 1.2
"""From this version on chats and users are filtered."""
_ALL_KINDS: Final = 1.4
"""From this version on they are found in more than messages."""
_ONE_BOT: Final = 1.5
"""From this version on a bot that asks questions by buttons may be the one that triggers: their answers are delivered here."""
_FILE: Final = "{$credential.baseUrl|nonempty ?? 'https://api.telegram.org'}/file/bot{$credential.accessToken}/"


def secret(scope: Scope) -> str:
    """Return the secret that Telegram sends with each update: letters that it takes alone."""
    return _REFUSED.sub("", f"{scope.names['registration']}_{scope.names['nodeId']}")


def allowed_updates(scope: Scope) -> list[Any]:
    """Return the kinds of updates that Telegram is to send; an empty list: all."""
    wanted = _wanted(scope)
    if wanted and scope.version >= _ONE_BOT and "callback_query" not in wanted:
        return [*wanted, "callback_query"]
    return wanted


def items(scope: Scope) -> Any:
    """Return the update; UNDEFINED where its kind, its chat or its user is not among those that are wanted."""
    update = scope.names["body"]
    if not isinstance(update, Mapping):
        return UNDEFINED
    if scope.version >= _ONE_BOT and (kinds := _wanted(scope)) and not any(each in update for each in kinds):
        return UNDEFINED
    if scope.version < _FILTERS:
        return update
    wanted = scope.parameters.get("additionalFields") or {}
    for option, member in (("chatIds", "chat"), ("userIds", "from")):
        ids = [each.strip() for each in str(wanted.get(option) or "").split(",") if each.strip()]
        if ids and str(_of(update, member, scope.version).get("id")) not in ids:
            return UNDEFINED
    return update


def _of(update: Mapping[str, Any], member: str, version: float) -> Mapping[str, Any]:
    """Return the chat or the user of an update. The first versions with filters look at messages alone."""
    query = update.get("callback_query") or {}
    holders = [update.get("message")]
    if version >= _ALL_KINDS:
        holders += [update.get(each) for each in ("edited_message", "channel_post", "edited_channel_post")]
        holders += [query.get("message")] if member == "chat" else [query, update.get("inline_query")]
    found = (each[member] for each in holders if isinstance(each, Mapping) and each.get(member))
    return next(found, {})


async def files(run: Run) -> Items:
    """Return the updates with their photo, document, video, ... as `data`, where the node downloads them."""
    out: Items = []
    for i, item in enumerate(run.items):
        scope = await run.scope(i)
        fields = scope.parameters.get("additionalFields") or {}
        file_id = _file_id(_message(item["json"]), str(fields.get("imageSize") or "large"))
        if not fields.get("download") or file_id is None:
            out.append(item)
            continue
        found = (await run.request(scope, path="/getFile", query={"file_id": file_id}))["result"]
        path = str(found["file_path"])
        name = path.rpartition("/")[2]
        address = Template(_FILE + path.replace("{", "{{").replace("}", "}}"))
        file = await run.request(scope, url=address, response="file", filename=name)
        out.append(cast("Item", {"json": item["json"], "binary": {"data": file}}))
    return out


def _wanted(scope: Scope) -> list[Any]:
    updates = scope.parameters.get("updates") or []
    return [] if "*" in updates else list(updates)


def _message(update: Mapping[str, Any]) -> Mapping[str, Any]:
    found = update.get("message") or update.get("channel_post") or {}
    return found if isinstance(found, Mapping) else {}


def _file_id(message: Mapping[str, Any], size: str) -> str | None:
    photos = message.get("photo")
    if isinstance(photos, list) and photos:
        place = _PHOTOS.get(size, 2)
        return str(photos[place if place < len(photos) else 0].get("file_id"))  # as in n8n, the smallest in its place
    for kind in ("video", "audio", "voice", "document", "animation", "sticker", "video_note"):
        if isinstance(message.get(kind), Mapping):
            return str(message[kind].get("file_id"))
    return None
