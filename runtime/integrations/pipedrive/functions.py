"""Pipedrive: names in place of the keys of custom fields, matches of searches, and the value of a lead."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.filters import FILTERS
from runtime.integrations.pipedrive.records import (
    asked,
    body,
    data,
    flat_matches,
    list_records,
    read_record,
    search,
    write_record,
)
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "asked", "body", "custom", "data", "flat_matches", "lead_changes", "lead_fields", "list_records", "matches", "read_record",
    "resolved", "search", "write_record",
]  # fmt: skip


def lead_fields(scope: Scope) -> dict[str, Any]:
    """Return further fields of a lead: its value is the entry of its collection."""
    given = dict(scope.parameters.get("additionalFields") or {})
    value = given.get("value")
    if isinstance(value, Mapping) and "valueProperties" in value:
        given["value"] = value["valueProperties"]
    return given


def lead_changes(scope: Scope) -> dict[str, Any]:
    """Return what changes of a lead: its value is the entry of its collection, its date has no time."""
    given = dict(scope.parameters.get("updateFields") or {})
    value = given.get("value")
    if isinstance(value, Mapping):
        given["value"] = value.get("valueProperties")
    if given.get("expected_close_date"):
        given["expected_close_date"] = js_string(given["expected_close_date"]).partition("T")[0]
    return given


def custom(scope: Scope) -> dict[str, Any]:
    """Return the custom fields that change, by their keys where the node has their names."""
    given = (scope.parameters.get("updateFields") or {}).get("customProperties") or {}
    listed = (scope.names.get("fields") or {}).get("data") or [] if scope.parameters.get("encodeProperties") else []
    keys = {each.get("name"): each for each in listed}
    return {
        js_string(keys.get(each.get("name"), {}).get("key", each.get("name"))): each.get("value")
        for each in given.get("property") or []
    }


def matches(scope: Scope) -> list[Any]:
    """Return what a search found: the matches whole, or each with its score."""
    found: list[Any] = scope.names["items"]
    if (scope.parameters.get("additionalFields") or {}).get("rawData") or scope.parameters.get("returnAll"):
        return found  # as in n8n, which takes the matches of one page alone out of their envelope
    return [{"result_score": each.get("result_score"), **(each.get("item") or {})} for each in found]


def resolved(scope: Scope) -> Any:
    """Return one object or several, with names of custom fields and labels of their options where the node asks for them."""
    found = scope.names.get("items", (scope.names.get("response") or {}).get("data"))
    listed = (scope.names.get("fields") or {}).get("data") or []
    fields = {each.get("key"): each for each in listed}
    if found is None or isinstance(found, list):
        return [_named(each, fields) for each in found or []]
    return _named(found, fields) if isinstance(found, Mapping) else found


def _named(given: Mapping[str, Any], fields: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        js_string(fields[key].get("name", UNDEFINED)) if key in fields else key: _label(each, fields.get(key) or {})
        for key, each in given.items()
    }


def _label(value: Any, field: Mapping[str, Any]) -> Any:
    """Return the labels of the options that a value names."""
    labels = {js_string(each.get("id", UNDEFINED)): each.get("label") for each in field.get("options") or []}
    if field.get("field_type") in ("enum", "visible_to"):
        return labels.get(js_string(value), value)
    if field.get("field_type") == "set" and value:
        return [labels.get(js_string(each), each) for each in FILTERS["split"](value)]
    return value
