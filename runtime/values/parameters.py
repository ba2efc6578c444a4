"""Shapes of parameters that many nodes have: resource locators, lists in collections, lists of names."""

from collections.abc import Mapping
from typing import Any

from runtime.values.javascript import js_string

__all__ = ["entries", "located", "names"]


def located(locator: Any) -> str:
    """Return the name or id that a resource locator gives: `{mode, value}`, or the value itself."""
    return js_string(locator.get("value") if isinstance(locator, Mapping) else locator)


def entries(collection: Any, name: str = "values") -> list[Mapping[str, Any]]:
    """Return the entries of a fixed collection: `{values: [{...}]}`."""
    found = collection.get(name) if isinstance(collection, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def names(value: Any) -> list[str]:
    """Return a list of names; none for what is no list."""
    return [js_string(each) for each in value] if isinstance(value, list) else []
