"""Shopify: the bodies of orders and products, and the address of the next page."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_NEXT: Final = re.compile(r'<([^<>]+)>; rel="next"')


def next_page(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    found = _NEXT.search(js_string(scope.names["headers"].get("link", "")))
    return found[1] if found else UNDEFINED


def order(scope: Scope) -> dict[str, Any]:
    """Return the body of a new order. Raise NodeError when it has no lines."""
    parameters = scope.parameters
    lines = (parameters.get("limeItemsUi") or {}).get("lineItemValues") or []
    if not lines:
        raise NodeError("At least one line item has to be added", item=scope.index)
    return {"test": True, "line_items": [_snake(each) for each in lines]} | _fields(parameters.get("additionalFields"))


def changes(scope: Scope) -> dict[str, Any]:
    """Return the members of an order that change."""
    return _fields(scope.parameters.get("updateFields"))


def _fields(given: Any) -> dict[str, Any]:
    """Return further fields of an order: addresses and discounts are the entries of their collections."""
    made: dict[str, Any] = {}
    for name, each in (given or {}).items():
        if isinstance(each, Mapping):
            entries = next(iter(each.values()), None)
            wire = snake_case(name.removesuffix("Ui"))
            made[wire] = [_snake(one) for one in entries] if isinstance(entries, list) else _snake(entries or {})
        else:
            made[snake_case(name)] = each
    return made


def _snake(given: Mapping[str, Any]) -> dict[str, Any]:
    return {snake_case(name): each for name, each in given.items()}


def product(scope: Scope) -> dict[str, Any]:
    """Return the body of a product to create or to change."""
    parameters = scope.parameters
    made = dict(parameters.get("additionalFields") or parameters.get("updateFields") or {})
    options = (made.pop("productOptions", None) or {}).get("option")
    if options:
        made["options"] = {js_string(each.get("name", "")): each.get("value", "") for each in options}
    return made | ({"title": parameters["title"]} if "title" in parameters else {})
