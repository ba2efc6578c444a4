"""Amazon Selling Partner: batches of products, which Amazon limits to 20."""

import json
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

__all__ = ["asins", "fee_requests"]

MAX_BATCH: Final = 20
"""Products per request of competitive prices and of fees."""


def asins(scope: Scope) -> str:
    """Return the ASINs of `asins`, a list or a text with commas, separated by commas. Raise NodeError."""
    given = scope.parameters.get("asins")
    values = given if isinstance(given, list) else js_string(given or "").split(",")
    return ",".join(_batch([js_string(each).strip() for each in values if js_string(each).strip()], "asins"))


def fee_requests(scope: Scope) -> list[dict[str, Any]]:
    """Return a request per product of `products`, `[{"asin": ..., "price": ...}, ...]`. Raise NodeError."""
    products = scope.parameters.get("products")
    if isinstance(products, str):
        try:
            products = json.loads(products)
        except ValueError as error:
            raise NodeError(f"'products' is not JSON: {error}") from error
    if not isinstance(products, list):
        raise NodeError("'products' is no list of {asin, price}")
    return [_fee_request(each, scope.parameters, place) for place, each in enumerate(_batch(products, "products"))]


def _batch(values: list[Any], name: str) -> list[Any]:
    if not 1 <= len(values) <= MAX_BATCH:
        raise NodeError(f"'{name}' has {len(values)} entries; Amazon takes 1 to {MAX_BATCH}. Use Loop Over Items")
    return values


def _fee_request(product: Any, parameters: Mapping[str, Any], place: int) -> dict[str, Any]:
    if not isinstance(product, Mapping) or not product.get("asin") or not isinstance(product.get("price"), int | float):
        raise NodeError(f"'products[{place}]' needs an asin and a price that is a number")
    price = {"CurrencyCode": parameters.get("currency"), "Amount": product["price"]}
    return {
        "IdType": "ASIN",
        "IdValue": product["asin"],
        "FeesEstimateRequest": {
            "MarketplaceId": parameters.get("marketplaceId"),
            "IsAmazonFulfilled": bool(parameters.get("fulfilledByAmazon")),
            "PriceToEstimateFees": {"ListingPrice": price},
            "Identifier": product["asin"],
        },
    }
