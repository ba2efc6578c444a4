"""Google Docs: the id in a document's URL, and the changes of an update as the API's requests."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from runtime.integrations.answers import ThrownError, member_of_answer, unreadable
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string, truthy
from schemas.item import UNDEFINED

__all__ = [
    "changes", "document_id", "place", "text_of", "update_answer", "write_control",
]  # fmt: skip

_ID: Final = re.compile(r"/document/(?:u/[0-9]+/)?d/([a-zA-Z0-9_-]+)")


def document_id(scope: Scope) -> Any:
    """Return the id of the document: the one in a URL, or what is given, which may be no text."""
    given = scope.parameters.get("documentURL", UNDEFINED)
    found = _ID.search(given) if isinstance(given, str) else None
    return found[1] if found else given


def place(scope: Scope) -> dict[str, Any]:
    """Return the path and the query of the document: an address that names no document stands in the API's own, as in n8n."""
    verb = ":batchUpdate" if scope.parameters.get("operation") == "update" else ""
    path, mark, query = f"{js_string(document_id(scope))}{verb}".partition("#")[0].partition("?")
    return {"path": path, "query": dict(parse_qsl(query, keep_blank_values=True)) if mark else {}}


def text_of(scope: Scope) -> str:
    """Return the text of the paragraphs of the document that was read."""
    content = scope.names["response"]["body"]["content"]
    return "".join(
        (element.get("textRun") or {}).get("content") or ""
        for part in content
        for element in (part.get("paragraph") or {}).get("elements") or []
    )


def update_answer(scope: Scope) -> dict[str, Any]:
    """Return what an update gives: all of the response, or what its first reply says; with the document's id."""
    response, document = scope.names["response"], scope.names["document"]
    if not truthy(scope.parameters.get("simple")):
        return {**response, "documentId": document}
    replies = member_of_answer(response, "replies")
    if replies is None or replies is UNDEFINED:
        raise unreadable(replies, "0")
    first = replies[0] if isinstance(replies, list) and replies else UNDEFINED
    if first is None or first is UNDEFINED:
        raise ThrownError("Cannot convert undefined or null to object", description="Google gave no reply.")
    reply: Any = next(iter(first.values()), None) if isinstance(first, Mapping) else None
    return {**(reply if isinstance(reply, Mapping) else {}), "documentId": document}


def write_control(scope: Scope) -> Any:
    """Return which revision the changes are for."""
    fields = scope.parameters.get("updateFields")
    control = fields.get("writeControlObject") if isinstance(fields, Mapping) else None
    if not control:
        return UNDEFINED
    return {js_string(control.get("control") or "requiredRevisionId"): control.get("value", "")}


def changes(scope: Scope) -> list[dict[str, Any]]:
    """Return the changes as requests of the API.

    One that there is not has a name and, as in n8n, what the change before it asks for; Google refuses it. Raise NodeError for a change
    of an object without a name.
    """
    given = scope.parameters.get("actionsUi")
    made = list[dict[str, Any]]()
    asked: Any = UNDEFINED
    for change in (given.get("actionFields") if isinstance(given, Mapping) else None) or []:
        kind, action = change.get("object", UNDEFINED), change.get("action", UNDEFINED)
        build = _REQUESTS.get((js_string(kind), js_string(action)))
        asked = asked if build is None else build(change)
        made.append({f"{js_string(action)}{_capitalized(kind, scope)}": asked})
    return made


def _capitalized(kind: Any, scope: Scope) -> str:
    if kind is None or kind is UNDEFINED:
        raise unreadable(kind, "0", scope.index)
    if not isinstance(kind, str) or not kind:
        raise unreadable(UNDEFINED, "toUpperCase", scope.index)
    return kind[0].upper() + kind[1:]


def _segment(change: Mapping[str, Any]) -> str:
    return js_string(change.get("segmentId") or "") if change.get("insertSegment", "body") != "body" else ""


def _number(change: Mapping[str, Any], name: str, default: int = 0) -> Any:
    value = change.get(name)
    return default if value is None or value == "" else value if isinstance(value, int | float) else js_number(value)


def _place(change: Mapping[str, Any]) -> dict[str, Any]:
    """Where something is inserted: the end of a segment, or an index in it."""
    choice = js_string(change.get("locationChoice") or "endOfSegmentLocation")
    if choice == "location":
        return {choice: {"segmentId": _segment(change), "index": _number(change, "index", 1)}}
    return {choice: {"segmentId": _segment(change)}}


def _range(change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "segmentId": _segment(change),
        "startIndex": _number(change, "startIndex"),
        "endIndex": _number(change, "endIndex"),
    }


def _section(change: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "DEFAULT", "sectionBreakLocation": {"segmentId": _segment(change)}}


def _cell(change: Mapping[str, Any]) -> dict[str, Any]:
    start = {"segmentId": _segment(change), "index": _number(change, "index", 1)}
    at = {"rowIndex": _number(change, "rowIndex"), "columnIndex": _number(change, "columnIndex")}
    return {**at, "tableStartLocation": start}


def _bullets(change: Mapping[str, Any]) -> dict[str, Any]:
    return {"bulletPreset": change.get("bulletPreset") or "BULLET_DISC_CIRCLE_SQUARE", "range": _range(change)}


def _named_range(change: Mapping[str, Any]) -> dict[str, Any]:
    by = js_string(change.get("namedRangeReference") or "namedRangeId")
    return {by: change["value"]} if "value" in change else {}


def _replacement(change: Mapping[str, Any]) -> dict[str, Any]:
    contains = {"text": change.get("text", ""), "matchCase": bool(change.get("matchCase", False))}
    return {"replaceText": change.get("replaceText", ""), "containsText": contains}


_REQUESTS: Final[Mapping[tuple[str, str], Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    ("footer", "create"): _section,
    ("footer", "delete"): lambda change: {"footerId": change.get("footerId", "")},
    ("header", "create"): _section,
    ("header", "delete"): lambda change: {"headerId": change.get("headerId", "")},
    ("namedRange", "create"): lambda change: {"name": change.get("name", ""), "range": _range(change)},
    ("namedRange", "delete"): _named_range,
    ("pageBreak", "insert"): _place,
    ("paragraphBullets", "create"): _bullets,
    ("paragraphBullets", "delete"): lambda change: {"range": _range(change)},
    ("positionedObject", "delete"): lambda change: {"objectId": change.get("objectId", "")},
    ("table", "insert"): lambda change: {
        "rows": _number(change, "rows"), "columns": _number(change, "columns"), **_place(change),
    },
    ("tableColumn", "delete"): lambda change: {"tableCellLocation": _cell(change)},
    ("tableColumn", "insert"): lambda change: {
        "insertRight": change.get("insertPosition", True), "tableCellLocation": _cell(change),
    },
    ("tableRow", "delete"): lambda change: {"tableCellLocation": _cell(change)},
    ("tableRow", "insert"): lambda change: {
        "insertBelow": change.get("insertPosition", True), "tableCellLocation": _cell(change),
    },
    ("text", "insert"): lambda change: {"text": change.get("text", ""), **_place(change)},
    ("text", "replaceAll"): _replacement,
}  # fmt: skip
"""Object and action -> what the request asks for; its name is made of both."""
