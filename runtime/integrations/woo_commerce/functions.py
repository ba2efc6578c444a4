"""WooCommerce: the shop's address, the bodies of customers, orders and products, and pages."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.filters import leading_integer, segment, snake_case
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

_ORDER_NAMES: Final = {"transactionID": "transaction_id"}
_LINE_NAMES: Final = {"method ID": "methodId"}
_ORDER_PARTS: Final = (
    ("billingUi", "billingValues", "billing"),
    ("shippingUi", "shippingValues", "shipping"),
    ("couponLinesUi", "couponLinesValues", "coupon_lines"),
    ("feeLinesUi", "feeLinesValues", "fee_lines"),
    ("lineItemsUi", "lineItemsValues", "line_items"),
    ("metadataUi", "metadataValues", "meta_data"),
    ("shippingLinesUi", "shippingLinesValues", "shipping_lines"),
)


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


def customer_path(scope: Scope) -> str:
    """Return the path of a customer. Raise NodeError without one."""
    return f"/customers/{_id(scope, 'Customer', scope.parameters.get('customerId'))}"


def customer_data(scope: Scope) -> Any:
    """Return the meta data of a customer; UNDEFINED without."""
    fields = scope.parameters.get("additionalFields") or scope.parameters.get("updateFields") or {}
    return _group(fields.get("meta_data"), "meta_data_fields")


def order(scope: Scope) -> dict[str, Any]:
    """Return the body of an order to create or to change."""
    parameters = scope.parameters
    given = parameters.get("additionalFields") or parameters.get("updateFields") or {}
    made: dict[str, Any] = {}
    for name, value in given.items():
        if parameters.get("operation") == "create":
            made[_ORDER_NAMES.get(name) or snake_case(name)] = value
        elif name in ("customerId", "parentId"):
            if truthy(value):
                made[snake_case(name)] = leading_integer(value)
        else:
            made["payment_method" if name == "paymentMethodId" else _ORDER_NAMES.get(name) or snake_case(name)] = value
    for name, group, wire in _ORDER_PARTS:
        found = _group(parameters.get(name), group)
        if found is not UNDEFINED:
            made[wire] = [_line(each) for each in found] if isinstance(found, list) else _line(found)
    return made


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return an address or a line of an order with the names that WooCommerce has."""
    made = {snake_case(_LINE_NAMES.get(name, name)): each for name, each in line.items() if name != "metadataUi"}
    data = _group(line.get("metadataUi"), "metadataValues")
    return made if data is UNDEFINED else made | {"meta_data": data}


def _group(collection: Any, group: str) -> Any:
    found = collection.get(group) if isinstance(collection, Mapping) else None
    return UNDEFINED if found is None else found


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
