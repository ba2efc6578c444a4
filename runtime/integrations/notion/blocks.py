"""Blocks and rich text of Notion, from n8n's parameters and back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.contract import NodeError
from runtime.values.javascript import js_string
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
        content = {"checked": bool(given.get("checked"))} if type_ == "to_do" else {}
        content["rich_text" if sources else "text"] = _text_of(given, sources=sources)
    return {"object": "block", "type": type_, js_string(type_): content}


def _text_of(given: Mapping[str, Any], *, sources: bool) -> list[Any]:
    if given.get("richText") is False:
        text = given.get("textContent", UNDEFINED if sources else "")
        if sources and not isinstance(text, str | int | float):
            raise _no_text("undefined" if text is UNDEFINED else "object")
        return [{"text": {"content": text}}]
    texts = (given.get("text") or {}).get("text")
    if texts is None:
        if sources:
            raise _no_text("undefined")
        raise NodeError("Cannot read properties of undefined (reading 'text')")
    return rich_text(texts)


def _no_text(kind: str) -> NodeError:
    return NodeError(f"Text value must be a string, number, or boolean. Received: {kind}")


def rich_text(texts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return Notion's rich text for entries of `text.text`."""
    return [{**_content(each), "annotations": dict(each.get("annotationUi") or {})} for each in texts]


def _content(given: Mapping[str, Any]) -> dict[str, Any]:
    type_ = given.get("textType") or "text"
    if type_ == "mention":
        return {"type": "mention", "mention": _mention(given)}
    if type_ == "equation":
        return {"type": "equation", "equation": {"expression": given.get("expression", "")}}
    text: dict[str, Any] = {"content": given.get("text", "")}
    if given.get("isLink"):
        text["link"] = {"url": given.get("textLink", "")}
    return {"type": "text", "text": text}


def _mention(given: Mapping[str, Any]) -> dict[str, Any]:
    type_ = given.get("mentionType", "")
    if type_ == "date":
        span = bool(given.get("range"))
        start, end = (given.get("dateStart"), given.get("dateEnd")) if span else (given.get("date"), None)
        return {"type": "date", "date": {"start": start, "end": end}}
    target = given.get(type_, UNDEFINED)
    return {"type": type_, type_: {"id": target.get("value") if isinstance(target, Mapping) else target}}


def simple_block(given: Mapping[str, Any], root: Any) -> dict[str, Any]:
    """Return a block with its plain text as `content`, below the block `root`."""
    made = {name: each for name, each in given.items() if name not in _ADMINISTRATIVE} | {"root_id": root}
    inner = given.get(given.get("type", ""))
    texts = inner.get("text", inner.get("rich_text")) if isinstance(inner, Mapping) else None
    if not isinstance(texts, list):
        return made
    made.pop(given["type"])
    return made | {"content": "".join(each.get("plain_text") or "" for each in texts)}
