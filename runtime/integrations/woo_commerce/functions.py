"""WooCommerce: the shop's address, the body of a product, and pages."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.filters import FILTERS, snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string


def base(scope: Scope) -> str:
    """Return the address of the API."""
    return js_string(scope.credential.get("url", "")).rstrip("/") + "/wp-json/wc/v3"


def next_page(scope: Scope) -> int:
    """Return the number of the next page."""
    return int(scope.names["pageNumber"]) + 1


def product(scope: Scope) -> dict[str, Any]:
    """Return the body of a product to create or to change."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or parameters.get("updateFields") or {})
    made = {"name": parameters["name"]} if "name" in parameters else {}
    for name in ("categories", "tags"):
        if name in given:
            made[name] = [{"id": _number(each)} for each in given.pop(name) or []]
    for name in ("crossSellIds", "upsellIds"):
        if name in given:
            made[snake_case(name)] = FILTERS["split"](given.pop(name))
    made |= {snake_case(name): each for name, each in given.items()}
    for name, group, wire in (
        ("imagesUi", "imagesValues", "images"),
        ("dimensionsUi", "dimensionsValues", "dimensions"),
        ("metadataUi", "metadataValues", "meta_data"),
    ):
        collection = parameters.get(name)
        if isinstance(collection, Mapping) and collection.get(group) is not None:
            made[wire] = collection[group]
    return made


def _number(value: Any) -> int | None:
    text = js_string(value)
    return int(text) if text.isdecimal() else None
