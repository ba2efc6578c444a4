"""Blocks and rich text of Notion, from n8n's parameters and back."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.answers import elements_of, member_of_answer
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

__all__ = ["block", "rich_text", "simple_block"]

_ADMINISTRATIVE: Final = ("created_time", "last_edited_time", "created_by")


def block(given: Mapping[str, Any], *, sources: bool = False) -> dict[str, Any]:
    """Return the block that an entry of `blockUi` describes. Raise NodeError for rich text that is not there.

    Args:
        given: the entry.
        sources: whether the node speaks to the version of Notion's API that has data sources.
    """
    type_ = given.get("type", UNDEFINED)
    if type_ == "child_page":
        content: dict[str, Any] = {"title": given.get("title", "")}
    elif type_ == "image":
        content = {"type": "external", "external": {"url": given.get("url", "")}}
    else:  # n8n sends a type that an expression gave as it is
        content = _members(checked=given.get("checked", UNDEFINED)) if type_ == "to_do" else {}
        content["rich_text" if sources else "text"] = _text_of(given, sources=sources)
    return {"object": "block", "type": type_, js_string(type_): content}


def _text_of(given: Mapping[str, Any], *, sources: bool) -> list[Any]:
    """Return the text of a block. Where both of its members are shown, the newer version takes the plain one."""
    if given.get("richText") is False or (sources and "textContent" in given):
        text = given.get("textContent", UNDEFINED if sources else "")
        return [{"text": {"content": _checked(text) if sources else text}}]
    if sources and (given.get("text") or {}).get("text") is None:
        return []
    return rich_text(given, sources=sources)


def _checked(text: Any) -> Any:
    """Return a text. Raise NodeError for what is none in the newer version."""
    if not isinstance(text, str | int | float):
        kind = "undefined" if text is UNDEFINED else "object"
        raise NodeError(f"Text value must be a string, number, or boolean. Received: {kind}")
    return text


def rich_text(given: Mapping[str, Any], *, sources: bool = False) -> list[dict[str, Any]]:
    """Return Notion's rich text for the entries of a member `text`; one of an unknown type is left out. Raise NodeError without entries."""
    texts = elements_of({"text": member_of_answer(given.get("text", UNDEFINED), "text")}, "text", "forEach")
    made = []
    for each in list(texts[0]) if len(texts) == 1 and isinstance(texts[0], str) else texts:
        entry: Mapping[str, Any] = each if isinstance(each, Mapping) else _EMPTY
        if (content := _content(entry, sources=sources)) is not None:
            made.append({**content, "annotations": dict(entry.get("annotationUi") or {})})
    return made


_EMPTY: Final = {"textType": "text", "text": ""}
"""What n8n takes for an entry in which it finds nothing."""


def _content(given: Mapping[str, Any], *, sources: bool) -> dict[str, Any] | None:
    type_ = given.get("textType", "text")
    if type_ == "mention":
        return None if sources and not given.get("mentionType") else {"type": "mention", "mention": _mention(given)}
    if type_ == "equation":
        expression = given.get("expression", UNDEFINED)
        return {"type": "equation", "equation": _members(expression=_checked(expression) if sources else expression)}
    if type_ != "text":
        return None
    content, link = given.get("text", UNDEFINED), given.get("textLink", UNDEFINED)
    text = _members(content=_checked(content) if sources else content)
    if given.get("isLink") and (truthy(link) if sources else link != ""):
        text["link"] = _members(url=link)
    return {"type": "text", "text": text}


def _members(**values: Any) -> dict[str, Any]:
    """Return members without those that are undefined."""
    return {name: each for name, each in values.items() if each is not UNDEFINED}


def _mention(given: Mapping[str, Any]) -> dict[str, Any]:
    type_ = given.get("mentionType", "")
    if type_ == "date":
        span = bool(given.get("range"))
        start, end = (given.get("dateStart"), given.get("dateEnd")) if span else (given.get("date"), None)
        return {"type": "date", "date": {"start": start, "end": end}}
    target = given.get(type_, UNDEFINED)
    return {"type": type_, type_: _members(id=target.get("value") if isinstance(target, Mapping) else target)}


def simple_block(given: Mapping[str, Any], root: Any) -> dict[str, Any]:
    """Return a block with its plain text as `content`, below the block `root`."""
    made = {name: each for name, each in given.items() if name not in _ADMINISTRATIVE} | {"root_id": root}
    inner = given.get(given.get("type", ""))
    texts = inner.get("text", inner.get("rich_text")) if isinstance(inner, Mapping) else None
    if not isinstance(texts, list):
        return made
    made.pop(given["type"])
    return made | {"content": "".join(each.get("plain_text") or "" for each in texts)}
