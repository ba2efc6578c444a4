"""Slack 1: blocks and attachments as its form describes them, in the terms of Block Kit."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError

__all__ = ["attachment", "block"]


def attachment(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attachment with its fields as a list."""
    fields = given.get("fields")
    return {**given, "fields": fields.get("item", [])} if isinstance(fields, Mapping) else dict(given)


def block(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section, or a row of buttons. Raise NodeError for a section without text, and for a button without id or text."""
    made: dict[str, Any] = {"type": given.get("type"), "block_id": given.get("blockId")}
    if given.get("type") == "actions":
        rows = (given.get("elementsUi") or {}).get("elementsValues")
        made["elements"] = [_action(each) for each in rows] if isinstance(rows, list) else None
    elif given.get("type") == "section":
        text, accessory = _entry(given, "textUi", "textValue"), _entry(given, "accessoryUi", "accessoriesValues")
        if not text:
            raise NodeError("Property text must be defined")
        made["text"] = _text(text)
        made["fields"] = [_text(each) for each in _list(given, "fieldsUi", "fieldsValues")] or None
        made["accessory"] = _button(accessory) if accessory else None
    return {name: each for name, each in made.items() if each is not None}


def _entry(given: Mapping[str, Any], name: str, group: str) -> Mapping[str, Any]:
    found = (given.get(name) or {}).get(group)
    return found if isinstance(found, Mapping) else {}


def _list(given: Mapping[str, Any], name: str, group: str) -> list[Mapping[str, Any]]:
    found = (given.get(name) or {}).get(group)
    return found if isinstance(found, list) else []


def _text(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("type") == "plainText":
        return {"type": "plain_text", "text": given.get("text"), "emoji": bool(given.get("emoji"))}
    return {"type": "mrkdwn", "text": given.get("text"), "verbatim": bool(given.get("verbatim"))}


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    text = {"text": given["text"]} if "text" in given else {}  # an expression may leave it out
    return {"type": "plain_text", **text, "emoji": bool(given.get("emoji"))}


def _action(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a button of a row. Raise NodeError for one whose id or text is empty; one that an expression leaves out is sent without."""
    for name, shown in (("actionId", "Action ID"), ("text", "Text")):
        if given.get(name) == "":
            raise NodeError(f"{shown} must be set")
    return _button(given) | ({"action_id": given["actionId"]} if "actionId" in given else {})


def _button(given: Mapping[str, Any]) -> dict[str, Any]:
    confirm = _entry(given, "confirmUi", "confirmValue")
    made = {
        "type": "button", "text": _plain(given), "url": given.get("url"),
        "value": given.get("value"), "style": _style(given), "confirm": _confirm(confirm) if confirm else None,
    }  # fmt: skip
    return {name: each for name, each in made.items() if each}


def _confirm(given: Mapping[str, Any]) -> dict[str, Any]:
    texts = {
        "title": _entry(given, "titleUi", "titleValue"), "text": _entry(given, "textUi", "textValue"),
        "confirm": _entry(given, "confirmTextUi", "confirmValue"), "deny": _entry(given, "denyUi", "denyValue"),
    }  # fmt: skip
    made: dict[str, Any] = {name: _plain(each) for name, each in texts.items() if each}
    return made | ({"style": style} if (style := _style(given)) else {})


def _style(given: Mapping[str, Any]) -> Any:
    return None if given.get("style") == "default" else given.get("style")
