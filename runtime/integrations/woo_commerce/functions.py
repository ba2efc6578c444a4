"""WooCommerce: the shop's address, the body of a product, and pages."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.integrations.filters import segment, snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


def base(scope: Scope) -> str:
    """Return the address of the API."""
    return js_string(scope.credential.get("url", "")).rstrip("/") + "/wp-json/wc/v3"


def next_page(scope: Scope) -> int:
    """Return the number of the next page."""
    return int(scope.names["pageNumber"]) + 1


def order_path(scope: Scope) -> str:
    """Return the path of an order. Raise NodeError without one."""
    return f"/orders/{_id(scope, 'Order', scope.parameters.get('orderId'))}"


def product_path(scope: Scope) -> str:
    """Return the path of a product. Raise NodeError without one."""
    return f"/products/{_id(scope, 'Product', scope.parameters.get('productId'))}"


def _id(scope: Scope, record: str, given: Any) -> str:
    text = "" if given is None or given is UNDEFINED else js_string(given).strip()
    if not text:  # else the path would be that of all records
        raise NodeError(f"{record} ID must not be empty", item=scope.index)
    return segment(text)


def product(scope: Scope) -> dict[str, Any]:
    """Return the body of a product to create or to change."""
    parameters = scope.parameters
    given = dict(parameters.get("additionalFields") or parameters.get("updateFields") or {})
    made = {"name": parameters["name"]} if "name" in parameters else {}
    for name in ("categories", "tags"):
        # n8n sends the categories of a product that changes as they are
        if name in given and (name == "tags" or parameters.get("operation") == "create"):
            made[name] = [{"id": _number(each)} for each in given.pop(name) or []]
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
