"""Properties of Notion's pages, conditions on them, and pages as flat objects."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runtime.contract import NodeError
from runtime.integrations.answers import elements_of, member_of_answer, unreadable
from runtime.integrations.filters import FILTERS, camel_case
from runtime.integrations.notion.blocks import rich_text
from runtime.values.dates import parse_date
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

__all__ = ["condition", "files_of", "name_and_type", "property_value", "simple_page", "source_condition"]

_WITHOUT_VALUE: Final = ("is_empty", "is_not_empty")
_RELATIVE: Final = (
    "past_week", "past_month", "past_year", "this_week", "next_week", "next_month", "next_year",
)  # fmt: skip


def name_and_type(key: Any) -> tuple[str, str]:
    """Return the name and the type in a key of n8n (`Due Date|date`); the type is empty where there is none."""
    name, _, type_ = js_string(key).rpartition("|")
    return (name, type_) if name else (type_, "")


def _date(value: Any, zone: str, *, time: bool = True) -> str:
    """Return a date as Notion takes it, in a zone: with its time and offset, or its day alone. Raise NodeError."""
    instant = parse_date(js_string(value), zone)
    if instant is None:
        raise NodeError(f"{js_string(value)!r} is not a date")
    return _shown_date(instant.ms, zone, time=time)


def _shown_date(ms: int, zone: str, *, time: bool) -> str:
    try:
        moment = datetime.fromtimestamp(ms / 1000, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise NodeError(f"{zone!r} is not a time zone") from error
    if not time:
        return moment.strftime("%Y-%m-%d")
    text = moment.isoformat(timespec="seconds")
    return text.replace("+00:00", "Z") if zone in _UTC else text


_UTC: Final = ("UTC", "Etc/UTC")


def _date_value(given: Mapping[str, Any], zone: str, now: float, *, time: Any) -> dict[str, Any] | None:
    chosen = given.get("timezone") or "default"
    zone = zone if chosen == "default" else js_string(chosen)
    time = truthy(time)
    if given.get("range"):
        ends = {"start": given.get("dateStart", UNDEFINED), "end": given.get("dateEnd", UNDEFINED)}
        return {name: _end(each, zone, now, time=time) for name, each in ends.items()}
    date = given.get("date", UNDEFINED)
    return None if date == "" else {"start": _end(date, zone, now, time=time), "end": None}


def _end(value: Any, zone: str, now: float, *, time: bool) -> str:
    """Return an end of a span: now where an expression leaves it out, and what n8n sends for one that is null or empty."""
    if value is UNDEFINED:
        return _shown_date(int(now), zone, time=time)
    return "Invalid date" if value in (None, "") else _date(value, zone, time=time)


def _ids(value: Any) -> list[dict[str, Any]]:
    texts = [part for each in FILTERS["list"](value) for part in FILTERS["split"](each)]
    return [{"id": each} for each in texts]


def _people(value: Any) -> list[dict[str, Any]]:
    if value is None or value is UNDEFINED:  # as in n8n, somebody without an id
        return [{} if value is UNDEFINED else {"id": None}]
    return _ids(value)


def _relation(value: Any) -> list[dict[str, Any]]:
    if value is None or value is UNDEFINED:
        raise unreadable(value, "filter")
    return _ids(value or [])


def _files(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = elements_of({"fileUrl": member_of_answer(given.get("fileUrls", UNDEFINED), "fileUrl")}, "fileUrl", "map")
    return [
        {"name": each.get("name", ""), "type": "external", "external": {"url": each.get("url", "")}} for each in entries
    ]


def property_value(
    given: Mapping[str, Any], zone: str, now: float, option: str = "name", *, sources: bool = False
) -> dict[str, Any] | None:
    """Return the value of a property that an entry of `propertiesUi` describes; None: it is left out. Raise NodeError.

    A member that is not there is not shown beside the entry's type, or an expression leaves it out: it is not sent.

    Args:
        given: the entry.
        zone: the time zone of dates without one of their own.
        now: milliseconds since the epoch.
        option: the member by which options of a select are named; it depends on the version of the node.
        sources: whether the node speaks to the version of Notion's API that has data sources.
    """
    if not isinstance(given.get("key", ""), str):  # n8n leaves out a key that is no text
        return None
    type_ = name_and_type(given.get("key"))[1]
    if not type_:
        return {}
    if type_ == "title":
        return {"title": [{"text": _given("content", given, "title")}]}
    if type_ == "rich_text":
        if given.get("richText") is False or (sources and "textContent" in given):
            return {"rich_text": [{"text": _given("content", given, "textContent")}]}
        return {"rich_text": rich_text(given)}
    if type_ == "url" and given.get("ignoreIfEmpty") and not given.get("urlValue"):
        return None
    if type_ in _PLAIN:
        return {"type": type_, **_given(type_, given, _PLAIN[type_])}
    if type_ == "date":
        return {"type": type_, "date": _date_value(given, zone, now, time=given.get("includeTime", sources))}
    make = _VALUES.get(type_)
    return {} if make is None else {"type": type_, type_: make(given, option)}


def _given(name: str, given: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Return a member of an entry under another name; nothing where it is not there."""
    return {name: given[member]} if member in given else {}


_PLAIN: Final = {
    "phone_number": "phoneValue", "email": "emailValue", "url": "urlValue", "number": "numberValue", "checkbox": "checkboxValue",
}  # fmt: skip
"""Type of a property -> the member of an entry that is its value."""
_VALUES: Final[Mapping[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "select": lambda given, option: _option_of(given.get("selectValue"), option),
    "status": lambda given, _option: _given("name", given, "statusValue"),
    "multi_select": lambda given, option: [
        _option_of(each, option)
        for each in FILTERS["split"](given.get("multiSelectValue") or [])
        if isinstance(each, Mapping) or each != ""
    ],
    "people": lambda given, _option: _people(given.get("peopleValue", UNDEFINED)),
    "relation": lambda given, _option: _relation(given.get("relationValue", UNDEFINED)),
    "files": lambda given, _option: _files(given),
}


def _option_of(value: Any, member: str) -> Any:
    if value in (None, ""):
        return None
    return value if isinstance(value, Mapping) else {member: value}


def condition(given: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return the filter of a database query that a condition describes. Raise NodeError for a date that is none."""
    name, type_ = name_and_type(given.get("key"))
    test = given.get("condition", "")
    if type_ == "formula":
        kind = given.get("returnType", "")
        return {"property": name, "formula": {kind: _tests(given, kind, f"{kind}Value", zone)}}
    if not type_:
        return {"property": name, "": {test: True} if test in _WITHOUT_VALUE else {}}
    member = {"date": "date", "last_edited_time": "lastEditedTime"}.get(type_, f"{camel_case(type_)}Value")
    return {"property": name, _OLD_NAMES.get(type_, type_): _tests(given, type_, member, zone)}


_OLD_NAMES: Final = {"rich_text": "text", "phone_number": "phone"}
"""Type of a property -> its name in filters of the API that the older versions speak."""


def source_condition(given: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """Return the filter of a data source's query that a condition describes. Raise NodeError."""
    name, type_ = name_and_type(given.get("key"))
    if type_ == "rollup":
        return {"property": name, "rollup": FILTERS["json"](given.get("rollupJson") or "{}")}
    if type_ == "verification":
        return {"property": name, "verification": {"status": given.get("verificationStatus", "verified")}}
    kind = given.get("returnType", "string") if type_ == "formula" else _FILTERS.get(type_, type_)
    test = given.get("condition", "")
    if test not in _TESTS.get(kind, _LIST_TESTS if kind not in _MEMBERS and kind not in _TEXTS else (test,)):
        raise NodeError(f'The condition "{test}" is not supported for Notion {kind} filters')
    inner = {kind: _tests(given, kind, _MEMBERS.get(kind, "richTextValue"), zone)}
    if kind in ("created_time", "last_edited_time"):
        return {"timestamp": kind, **inner}
    return {"property": name, **({"formula": inner} if type_ == "formula" else inner)}


_FILTERS: Final = {
    "title": "rich_text", "email": "rich_text", "url": "rich_text", "created_by": "people", "last_edited_by": "people",
}  # fmt: skip
"""Type of a property -> the filter that the newer API has for it, where it is another."""
_TEXTS: Final = ("rich_text", "phone_number", "string")
_LIST_TESTS: Final = ("contains", "does_not_contain", *_WITHOUT_VALUE)
_TESTS: Final = {
    "multi_select": _LIST_TESTS, "people": _LIST_TESTS, "relation": _LIST_TESTS, "files": _WITHOUT_VALUE,
}  # fmt: skip
_MEMBERS: Final = {
    "number": "numberValue", "unique_id": "numberValue", "checkbox": "checkboxValue", "date": "dateValue",
    "created_time": "dateValue", "last_edited_time": "dateValue", "multi_select": "optionValue",
    "select": "optionValue", "status": "optionValue", "people": "peopleValue", "relation": "relationValue",
}  # fmt: skip


def _tests(given: Mapping[str, Any], type_: str, member: str, zone: str) -> dict[str, Any]:
    """Return a condition with the value that it tests for; without one where the entry has none."""
    test = given.get("condition", "")
    value = _tested(given, type_, member, zone)
    return {} if value is UNDEFINED else {test: value}


def _tested(given: Mapping[str, Any], type_: str, member: str, zone: str) -> Any:
    test = given.get("condition")
    if test in _WITHOUT_VALUE:
        return True
    if test in _RELATIVE:
        return {}
    if type_ == "date" and member == "date":
        value = given.get(member)
        return _date(value, zone) if value not in (None, "") else {}
    return given.get(member, UNDEFINED)


def simple_page(page: Any, version: float) -> dict[str, Any] | None:
    """Return a page or a database as a flat object: its id, its name, and its properties; None for anything else.

    A page that is in no database has no properties. Raise LookupError or TypeError for a page without a title.
    """
    if page is None or page is UNDEFINED:
        named = "null" if page is None else "undefined"
        raise NodeError(f"Cannot destructure property 'object' of '.for' as it is {named}.")
    kind = page.get("object") if isinstance(page, Mapping) else None
    if kind not in ("page", "database", "data_source"):
        return None
    shown = {name: page[name] for name in ("id",) if name in page}
    if kind != "page":
        title = _first(page["title"]) if page.get("name") is None or kind == "database" else page["name"]
        if kind == "database" and version < _NAMES_SINCE:
            return {**shown, "title": title}
        return {**shown, **_named(page, title, version)}
    properties = page.get("properties") or {}
    parent = page.get("parent")
    if isinstance(parent, Mapping) and parent.get("type") in ("page_id", "workspace"):
        return {**shown, **_named(page, properties["title"]["title"][0].get("plain_text"), version)}
    if version < _NAMES_SINCE:
        return {**shown, **_simple_all(properties)}
    titles = [each for each in properties.values() if each.get("type") == "title"]
    if not titles:
        raise NodeError("Cannot read properties of undefined (reading 'title')")
    flat = {f"property_{_snake(name)}": each for name, each in _simple_all(properties).items()}
    return {**shown, **_named(page, _first(titles[0]["title"]), version), **flat}


_NAMES_SINCE: Final = 2


def _named(page: Mapping[str, Any], name: Any, version: float) -> dict[str, Any]:
    return {"name": name} | ({"url": page["url"]} if "url" in page and version >= _NAMES_SINCE else {})


def _first(texts: Sequence[Mapping[str, Any]]) -> str:
    """Return the first part of a title: n8n reads no other."""
    return (texts[0].get("plain_text") or "") if texts else ""


def _plain(texts: Sequence[Any]) -> str:
    """Return the text in rich text; n8n leaves out mentions and equations."""
    return "".join(
        each.get("plain_text") or "" for each in texts if not isinstance(each, str) and each.get("type") == "text"
    )


def _snake(name: str) -> str:
    """Return the lower-case words of a name, letters and digits of ASCII only, joined by `_`."""
    return _OTHERS.sub("_", _WORDS.sub(_apart, name)).strip("_").lower()


_WORDS: Final = re.compile(r"([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])")
_OTHERS: Final = re.compile(r"[^A-Za-z0-9]+")


def _apart(match: re.Match[str]) -> str:
    return f"{match[1]}_{match[2]}" if match[1] else f"{match[3]}_"


def _simple_all(properties: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values of properties that have one: its type names the member."""
    return {name: _simple(each) for name, each in properties.items() if each.get("type") in each}


def _simple(given: Mapping[str, Any]) -> Any:
    """Return the value of a property without the layers that say its type."""
    type_ = given.get("type", "")
    value = given.get(type_)
    if value is None:
        return None
    if type_ in ("title", "rich_text"):
        return _plain(value)
    if type_ in ("select", "status", "created_by", "last_edited_by"):
        return value.get("name")
    if type_ in _LISTS:
        return [_LISTS[type_](each) for each in value]
    if type_ == "formula":
        return value.get(value.get("type", ""))
    if type_ == "rollup":
        inner = value.get(value.get("type", ""))
        return [_simple(each) for each in inner] if isinstance(inner, list) else inner
    return value


def _url(file: Mapping[str, Any]) -> Any:
    return (file.get(file.get("type", "")) or {}).get("url")


_LISTS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "multi_select": lambda each: each.get("name"),
    "people": lambda each: (each.get("person") or {}).get("email") or each.get("name"),
    "relation": lambda each: each.get("id"),
    "files": _url,
}


def files_of(page: Mapping[str, Any]) -> dict[str, str]:
    """Return the addresses of a page's files: `icon`, `cover`, and `property_0`, `property_1`, ... of each property."""
    found = {name: _url(page[name]) for name in ("icon", "cover") if isinstance(page.get(name), Mapping)}
    for name, each in (page.get("properties") or {}).items():
        for place, file in enumerate(each.get("files") or [] if each.get("type") == "files" else []):
            found[f"{_snake(name)}_{place}"] = _url(file)
    return {name: each for name, each in found.items() if isinstance(each, str)}
