"""X: ids in resource locators, further pages of the old search, and uploads of media."""

import asyncio
import base64
import math
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from runtime.contract import Item, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.dates import parse_date
from runtime.values.javascript import js_number, js_string, truthy
from schemas.item import UNDEFINED

_ISO_DATE: Final = re.compile(r"\d{4}(-?\d\d(-?\d\d)?)?(T|$)")
_STATUS: Final = re.compile(r"/status(?:es)?/(\d+)")
_LIST: Final = re.compile(r"/lists/(\d+)")
_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_UPLOAD: Final = "https://upload.twitter.com/1.1/media/upload.json"
_CHUNK_BYTES: Final = 3 * 1024 * 1024
_CHECKS: Final = 60
"""How often the state of an upload is asked for."""


def _located(value: Any, pattern: re.Pattern[str]) -> Any:
    """Return the id in a resource locator; one that is given by itself may be no text. Raise NodeError."""
    mode = value.get("mode") if isinstance(value, Mapping) else "undefined"
    if mode not in ("id", "url"):
        raise NodeError(f"The mode {mode} is not valid!", description="Choose By ID or By URL")
    chosen = value.get("value", "")
    if mode == "id":
        return chosen
    found = pattern.search(js_string(chosen))
    if found is None:
        raise NodeError(
            "Not a valid tweet url", description="Paste the address as the browser shows it, or choose By ID"
        )
    return found[1]


def tweet(scope: Scope) -> Any:
    """Return the id of the post. Raise NodeError."""
    return _located(scope.parameters.get("tweetDeleteId", scope.parameters.get("tweetId")), _STATUS)


def list_id(scope: Scope) -> Any:
    """Return the id of the list. Raise NodeError."""
    return _located(scope.parameters.get("list"), _LIST)


def start_time(scope: Scope) -> Any:
    """Return the time from which posts are searched; UNDEFINED for none."""
    return _time(scope, "startTime")


def end_time(scope: Scope) -> Any:
    """Return the time up to which posts are searched; UNDEFINED for none."""
    return _time(scope, "endTime")


def _time(scope: Scope, name: str) -> Any:
    """Return a time as X takes it: an empty text of what is no time in the form of ISO 8601, as n8n sends it."""
    given = (scope.parameters.get("additionalFields") or {}).get(name)
    if not truthy(given):
        return UNDEFINED
    if not isinstance(given, str) or not _ISO_DATE.match(given):
        return ""
    instant = parse_date(given)
    return "" if instant is None else FILTERS["iso"](instant.ms)


def me(scope: Scope) -> Any:
    """Return the id of the account. Raise NodeError where the answer has none."""
    known = scope.names["me"]
    data: Any = known.get("data", UNDEFINED) if isinstance(known, Mapping) else UNDEFINED
    if data is UNDEFINED or data is None:
        raise unreadable(data, "id", scope.index)
    return data["id"]


def username(scope: Scope) -> str:
    """Return a user's name, without the sign before it, or a user's id."""
    user = scope.parameters.get("user")
    return js_string(user.get("value", "") if isinstance(user, Mapping) else user).replace("@", "")


def post(scope: Scope) -> dict[str, Any]:
    """Return the body of a post. Raise NodeError."""
    given, body = scope.parameters.get("additionalFields", {}), {"text": scope.parameters.get("text")}
    if given.get("location"):
        body["geo"] = {"place_id": given["location"]}
    if given.get("inQuoteToStatusId"):
        body["quote_tweet_id"] = _located(given["inQuoteToStatusId"], _STATUS)
    if given.get("inReplyToStatusId"):
        body["reply"] = {"in_reply_to_tweet_id": _located(given["inReplyToStatusId"], _STATUS)}
    if given.get("attachments"):
        ids = given["attachments"]
        body["media"] = {"media_ids": [each.strip() for each in ids.split(",")] if isinstance(ids, str) else [ids]}
    return body


def next_results(scope: Scope) -> Any:
    """Return the query of the next page of the old search; UNDEFINED after the last."""
    found = scope.names["response"]["search_metadata"].get("next_results")
    return dict(parse_qsl(found.lstrip("?"))) if found else UNDEFINED


def status(scope: Scope) -> dict[str, Any]:
    """Return the query of a post of API 1.1."""
    given, query = scope.parameters.get("additionalFields", {}), {"status": scope.parameters.get("text")}
    if given.get("inReplyToStatusId"):
        query |= {"in_reply_to_status_id": given["inReplyToStatusId"], "auto_populate_reply_metadata": True}
    for name, wire in (("displayCoordinates", "display_coordinates"), ("possiblySensitive", "possibly_sensitive")):
        if given.get(name):
            query[wire] = given[name]
    place = (given.get("locationFieldsUi") or {}).get("locationFieldsValues") or {}
    if place:
        query |= {"lat": _leading_number(place.get("latitude")), "long": _leading_number(place.get("longitude"))}
    return query


def _leading_number(value: Any) -> float:
    """Return the number that a text begins with; NaN for none, as in JavaScript."""
    found = _NUMBER.match(js_string(value))
    return js_number(found[0]) if found else math.nan


async def tweet_with_media(run: Run, scope: Scope) -> list[Item]:
    """Post an item with its files."""
    names = js_string(scope.parameters["additionalFields"]["attachments"])
    media = [await _media(run, scope, name.strip()) for name in names.split(",")]
    query = status(scope) | {"media_ids": ",".join(media)}
    return [{"json": await run.request(scope, method="POST", path="/statuses/update.json", query=query)}]


async def message_with_media(run: Run, scope: Scope) -> list[Item]:
    """Send a direct message with a file."""
    parameters = scope.parameters
    media = await _media(run, scope, js_string(parameters["additionalFields"]["attachment"]))
    attachment = {"type": "media", "media": {"id": media}}
    message = {
        "target": {"recipient_id": parameters["userId"]},
        "message_data": {"text": parameters["text"], "attachment": attachment},
    }
    body = {"event": {"type": "message_create", "message_create": message}}
    sent = await run.request(scope, method="POST", path="/direct_messages/events/new.json", json=body)
    return [{"json": sent.get("event", {})}]


async def _media(run: Run, scope: Scope, name: str) -> str:
    """Upload a file of an item in parts and return the id of its media. Raise NodeError."""
    ref = run.file(scope.index, name)
    content, kind = await run.context.blobs.read(ref), ref.get("mimeType", "")
    form: dict[str, Any] = {"command": "INIT", "total_bytes": len(content), "media_type": kind}
    started = await run.request(scope, method="POST", url=_UPLOAD, form=form)
    media = js_string(started["media_id_string"])
    for index, at in enumerate(range(0, len(content), _CHUNK_BYTES)):
        data = base64.b64encode(content[at : at + _CHUNK_BYTES]).decode()
        form = {"name": ref.get("fileName"), "command": "APPEND", "media_id": media}
        form |= {"media_data": data, "segment_index": index}
        await run.request(scope, method="POST", url=_UPLOAD, form=form)
    done = await run.request(scope, method="POST", url=_UPLOAD, form={"command": "FINALIZE", "media_id": media})
    await _until_processed(run, scope, media, done)
    return media


async def _until_processed(run: Run, scope: Scope, media: str, answer: Mapping[str, Any]) -> None:
    """Wait until X has processed a video. Raise NodeError when it cannot."""
    for _ in range(_CHECKS):
        state = answer.get("processing_info") or {}
        if state.get("state") == "failed":
            raise NodeError("X could not process the attachment", description=js_string(state.get("error", UNDEFINED)))
        if state.get("state") not in ("pending", "in_progress"):
            return
        await asyncio.sleep(min(float(state.get("check_after_secs", 1)), 10.0))
        answer = await run.request(scope, url=_UPLOAD, query={"command": "STATUS", "media_id": media})
    raise NodeError("X did not process the attachment in time", description="Try a shorter video")
