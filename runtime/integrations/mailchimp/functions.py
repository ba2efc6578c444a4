"""Mailchimp: members of an audience, their tags, and pages."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import iterated
from runtime.integrations.scope import Scope
from runtime.values.dates import parse_date
from runtime.values.javascript import js_number, js_string, truthy
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

_CENTRE: Final = re.compile(r"[a-z]{2,4}\d{1,3}")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_UNITS: Final = ("year", "month", "day", "hour", "minute", "second", "millisecond")
_DAY: Final = 2
_PAGE: Final = 500
_CAMPAIGN_FIELDS: Final = (
    "campaigns.id", "campaigns.status", "campaigns.tracking", "campaigns.settings.from_name",
    "campaigns.settings.title", "campaigns.settings.reply_to",
)  # fmt: skip
_NAMES: Final = {
    "emailType": "email_type",
    "language": "language",
    "ipOptIn": "ip_opt",
    "ipSignup": "ip_signup",
    "timestampSignup": "timestamp_signup",
    "timestampOpt": "timestamp_opt",
    "vip": "vip",
    "status": "status",
}


def data_centre(scope: Scope) -> str:
    """Return the data centre that an API key names behind its last hyphen. Raise NodeError for a key that names none."""
    if not scope.credential:
        return ""  # the request says that there is no credential
    centre = js_string(scope.credential.get("apiKey", "")).rpartition("-")[2]
    if not _CENTRE.fullmatch(centre):
        raise NodeError(
            "The API key of Mailchimp names no data centre",
            description="A key ends with one, like `-us21`: copy the whole key into the credential.",
            item=scope.index,
        )
    return centre


def member(scope: Scope) -> dict[str, Any]:
    """Return a member to create or to change. Raise NodeError."""
    parameters = scope.parameters
    given = parameters.get("options") or parameters.get("updateFields") or {}
    made = {
        "listId": parameters.get("list", UNDEFINED), "email_address": parameters.get("email", UNDEFINED),
        "status": parameters.get("status", UNDEFINED),
    }  # fmt: skip
    made = {name: each for name, each in made.items() if each is not UNDEFINED}
    made |= {wire: _field(name, given[name], scope.now) for name, wire in _NAMES.items() if truthy(given.get(name))}
    if given.get("tags"):
        if not isinstance(given["tags"], str):
            raise NodeError("options.tags.split is not a function", item=scope.index)
        made["tags"] = given["tags"].split(",")
    if parameters.get("jsonParameters"):
        names = (("locationJson", "location"), ("mergeFieldsJson", "merge_fields"), ("groupJson", "interests"))
        parsed = {wire: _json(parameters[name]) for name, wire in names if parameters.get(name)}
        return made | {wire: each for wire, each in parsed.items() if each is not UNDEFINED}
    return made | _audience({**parameters, **given})


def _audience(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the location, the merge fields and the groups of a member."""
    made: dict[str, Any] = {}
    place = (given.get("locationFieldsUi") or {}).get("locationFieldsValues")
    if place:
        made["location"] = {name: _degrees(place.get(name)) for name in ("latitude", "longitude")}
    merge = (given.get("mergeFieldsUi") or {}).get("mergeFieldsValues")
    if merge:
        made["merge_fields"] = {
            js_string(each.get("name", UNDEFINED)): each["value"] for each in merge if "value" in each
        }
    groups = (given.get("groupsUi") or {}).get("groupsValues")
    if groups:
        made["interests"] = {
            js_string(each.get("categoryFieldId", UNDEFINED)): each["value"] for each in groups if "value" in each
        }
    return made


def _degrees(value: Any) -> float | None:
    """Return the number that a text begins with; None for none."""
    found = _NUMBER.match(js_string(value))
    return js_number(found[0]) if found else None


def _field(name: str, value: Any, now: float) -> Any:
    """Return a field as it is sent. Of a time n8n's node writes the month for the minutes, and hundredths for the seconds."""
    if not name.startswith("timestamp"):
        return value
    ms = _milliseconds(value, now)
    if ms is None:
        return "Invalid date"
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%m}:{ms % 1000 // 10:02}"


def _milliseconds(value: Any, now: float) -> int | None:
    """Return the instant that moment.js reads of a value; None for none."""
    if isinstance(value, Mapping | list):
        return _of_units(value, now)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    instant = parse_date(js_string(value))
    return None if instant is None else int(instant.ms)


def _of_units(value: Mapping[str, Any] | list[Any], now: float) -> int | None:
    """Return the instant of a list or an object of year, month, ...: what is left out is of today, and the time midnight."""
    if not value:
        return int(now)
    units = value if isinstance(value, list) else [value.get(name) for name in _UNITS]
    today = datetime.fromtimestamp(now / 1000, UTC)
    ahead, parts = True, []
    for i, default in enumerate((today.year, today.month - 1, today.day, 0, 0, 0, 0)):
        unit = units[i] if i < len(units) else None
        ahead = ahead and unit is None
        parts.append(
            default if ahead or (unit is None and i > _DAY) else 1 if unit is None and i == _DAY else unit or 0
        )
    if not all(isinstance(each, int) for each in parts):
        return None
    year, month, day, *time = parts
    try:
        first = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        made = first + timedelta(days=day - 1, hours=time[0], minutes=time[1], seconds=time[2], milliseconds=time[3])
    except (ValueError, OverflowError):
        return None
    return int(made.timestamp() * 1000)


def tags(scope: Scope) -> list[Any]:
    """Return the tags to give or to take: of a text each character, as in n8n. Raise NodeError for what is neither text nor list."""
    return iterated(scope.parameters.get("tags", UNDEFINED), "tags")


def _json(value: Any) -> Any:
    """Return what a text says as JSON; UNDEFINED where it is none, as an object is none: n8n leaves that member out."""
    try:
        return parse_json(js_string(value))
    except NotJsonError:
        return UNDEFINED


def next_offset(scope: Scope) -> Any:
    """Return where the next page starts; UNDEFINED after an empty page. n8n counts pages, whatever is on them."""
    return scope.names["pageNumber"] * _PAGE if scope.names["found"] else UNDEFINED


def campaign_fields(scope: Scope) -> dict[str, str]:
    """Return what is asked for of campaigns. Raise NodeError for fields to leave out: n8n's node looks for them in the wrong place."""
    given = scope.parameters.get("options") or {}
    if given.get("excludeFields"):
        raise NodeError("Cannot read properties of undefined (reading 'join')", item=scope.index)
    asked = given.get("fields") or _CAMPAIGN_FIELDS
    return {"fields": ",".join(map(js_string, asked))}
