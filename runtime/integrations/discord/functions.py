"""Discord: messages with embeds and flags, files, channels of some kinds, and the end of a timeout."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import failing_node
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string, json_stringify, truthy
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

_FLAGS: Final = {"SUPPRESS_EMBEDS": 1 << 2, "SUPPRESS_NOTIFICATIONS": 1 << 12}
_VIDEO_SIZE: Final = {"width": 1270, "height": 720}
_LINKS: Final = frozenset({"image", "thumbnail", "video"})
_APART: Final = frozenset({"flags", "message_reference", "simplify"})


def parsed(scope: Scope) -> dict[str, Any]:
    """Return the options of version 1 that are JSON. Raise NodeError for embeds and components that are none; others are left out."""
    options, made = scope.parameters.get("options") or {}, dict[str, Any]()
    for name, wire in _JSON.items():
        given = options.get(name)
        if given in (None, "", [], {}):
            continue
        try:
            value = parse_json(given) if isinstance(given, str) else given
        except NotJsonError as error:
            if name in _CHECKED:
                raise NodeError(f"{name.capitalize()} must be valid JSON.", item=scope.index) from error
            continue
        if name in _CHECKED and not isinstance(value, list):
            raise NodeError(f"{name.capitalize()} must be valid JSON.", item=scope.index)
        made[wire] = value
    return made


_JSON: Final = {
    "embeds": "embeds", "components": "components", "attachments": "attachments", "payloadJson": "payload_json",
    "allowedMentions": "allowed_mentions",
}  # fmt: skip
_CHECKED: Final = ("embeds", "components")


def told(scope: Scope) -> str:
    """Return what n8n's node tells of a failed request: Discord's message alone, also where it is empty."""
    answer = scope.names["response"]
    if scope.names.get("form"):
        return _as_text(answer) or js_string(scope.names["message"])
    if isinstance(answer, Mapping):
        message = answer.get("message")
        if message and not isinstance(message, str):
            return '(message || "").toUpperCase is not a function'
        return message or ""
    if isinstance(answer, list):
        return ""
    return js_string(scope.names.get("description") or scope.names["message"])


def _as_text(answer: Any) -> str:
    """Return an answer as Discord sent it."""
    return "" if answer is UNDEFINED else answer if isinstance(answer, str) else json_stringify(answer) or ""


def answered(scope: Scope) -> Any:
    """Return the answer to a message with files, whose text n8n's node reads. Raise NodeError where it is no JSON."""
    return FILTERS["json"](scope.names["response"] or "undefined")


def content(scope: Scope) -> dict[str, Any]:
    """Return the body of a message that is sent; empty for other operations."""
    parameters = scope.parameters
    if parameters.fact("content") is None:
        return {}
    options = parameters.get("options") or {}
    body = {"content": parameters["content"]} if "content" in parameters else {}
    body |= {name: each for name, each in options.items() if name not in _APART and each != ""}
    if body.get("wait"):  # a part of the address
        del body["wait"]
    if "flags" in options:
        flags = options["flags"]
        body["flags"] = sum(_FLAGS.get(each, 0) for each in flags) if flags else flags
    if reference := options.get("message_reference"):
        guild = scope.located("guildId", parameters.get("guildId"))
        body["message_reference"] = {"message_id": js_string(reference), **({"guild_id": guild} if guild else {})}
    given = parameters.get("embeds")
    if isinstance(given, Mapping) and isinstance(given.get("values"), list):
        with failing_node():
            body["embeds"] = [made for each in _entries(given) if (made := _embed(each))]
    return body


def _entries(given: Any) -> list[Mapping[str, Any]]:
    values = given.get("values") if isinstance(given, Mapping) else None
    return [each for each in values if isinstance(each, Mapping)] if isinstance(values, list) else []


def _embed(given: Mapping[str, Any]) -> Any:
    """Return an embed, one without members as nothing. Raise NodeError for JSON that is none."""
    if given.get("inputMethod") != "json":
        return _wired({name: each for name, each in given.items() if name != "inputMethod" and each != ""})
    found = FILTERS["json"](js_string(given["json"])) if "json" in given else {}
    if found is None:
        raise unreadable(None, "author")
    if isinstance(found, list | str):
        return found
    return _wired(found) if isinstance(found, Mapping) else {}


def _wired(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an embed in Discord's terms."""
    made: dict[str, Any] = {}
    for name, each in given.items():
        if name in _LINKS and truthy(each):
            made[name] = {"url": each} | (_VIDEO_SIZE if name == "video" else {})
        elif name == "author":
            made[name] = {"name": each} if isinstance(each, str) else each
        elif name == "color":
            made[name] = _color(each) if isinstance(each, str) else each
        else:
            made[name] = each
    return made


def _color(text: str) -> int | None:
    """Return the number of a color; None where it is none."""
    try:
        return int(text.lstrip("#"), 16)
    except ValueError:
        return None


def attachments(scope: Scope) -> list[dict[str, Any]]:
    """Return the files of a message: their place, name, and the binary that holds them."""
    binary: Mapping[str, Any] = scope.item.get("binary") or {}
    names = [each.get("inputFieldName", "data") for each in _entries(scope.parameters.get("files"))]
    return [
        {"id": i, "filename": (binary.get(js_string(name)) or {}).get("fileName") or name, "binary": name}
        for i, name in enumerate(names)
    ]


def channels(scope: Scope) -> list[Any]:
    """Return the channels of the wanted kinds, cut at the limit."""
    found = [each for each in scope.names["response"] if isinstance(each, Mapping)]
    if kinds := (scope.parameters.get("options") or {}).get("filter"):
        found = [each for each in found if each.get("type") in kinds]
    return found if scope.parameters.get("returnAll") else found[: int(js_number(scope.parameters.get("limit", 100)))]


def timeout_end(scope: Scope) -> str | None:
    """Return when a timeout ends (ISO 8601); None takes it back."""
    duration = scope.parameters.get("duration")
    if duration == "remove":
        return None
    start = datetime.fromtimestamp(scope.now / 1000, UTC)
    return FILTERS["iso"]((start + timedelta(seconds=js_number(duration))).isoformat())  # type: ignore[no-any-return]
