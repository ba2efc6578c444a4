"""Rapiwa: messages, and numbers on WhatsApp."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

_TYPES: Final = {"image": "image/jpeg", "video": "video/mp4", "document": "application/pdf"}
_LINKED: Final = "@lid"
"""The end of an id that WhatsApp gives instead of a number."""


def _digits(number: str) -> str:
    return "".join(each for each in number if "0" <= each <= "9")


def message(scope: Scope) -> dict[str, Any]:
    """Return the body of a message."""
    parameters = scope.parameters
    given, kind = js_string(parameters.get("number", UNDEFINED)), js_string(parameters.get("messageType", UNDEFINED))
    body = {
        "number": given if given.endswith(_LINKED) else _digits(given),
        "message_type": kind,
        "productOperation": parameters.get("productOperation"),
    }
    if kind in ("text", "image", "video"):
        body["message"] = parameters.get("message")
    if kind in _TYPES:
        body |= {"media_url": parameters.get("mediaUrl"), "mimetype": _TYPES[kind]}
    if kind == "document":
        body["file_name"] = js_string(parameters.get("mediaUrl", UNDEFINED)).rpartition("/")[2] or "file.pdf"
    return body


async def verify(run: Run, scope: Scope) -> list[Item]:
    """Ask whether a number is on WhatsApp; an id that WhatsApp gave is."""
    given = js_string(scope.parameters.get("number", UNDEFINED))
    if given.endswith(_LINKED):
        told = "Skipped verification — already verified (ends with @lid)"
        return [{"json": {"success": True, "number": given, "exists": True, "message": told, "jid": given}}]
    number = _digits(given)
    answer = await run.request(scope, method="POST", path="/verify-whatsapp", json={"number": number})
    data = answer.get("data") if isinstance(answer, Mapping) else None
    found = data if isinstance(data, Mapping) else {}
    json = {
        "success": truthy(answer.get("success")) if isinstance(answer, Mapping) else False,
        "number": found.get("number") or number,
        "exists": truthy(found.get("exists")),
        "jid": found.get("jid") or None,
    }
    return [{"json": json | ({"message": found["message"]} if "message" in found else {})}]
