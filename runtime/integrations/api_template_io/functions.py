"""APITemplate.io: what a template is filled with."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.integrations.filters import FILTERS, is_empty
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


def properties(scope: Scope) -> Any:
    """Return the properties of a PDF, or the overrides of an image: as JSON, or of the pairs of the node."""
    parameters = scope.parameters
    image = parameters.get("resource") == "image"
    if parameters.get("jsonParameters"):
        given = parameters.get("overridesJson" if image else "propertiesJson")
        if is_empty(given) and image:
            return {"overrides": []}
        if is_empty(given):
            raise NodeError("A valid JSON must be provided.", item=scope.index)
        made = FILTERS["json"](given)
        if image and not isinstance(made, list):
            raise NodeError("Overrides must be a valid JSON array")
        return {"overrides": made} if image else made
    if image:
        values = (parameters.get("overridesUi") or {}).get("overrideValues") or []
        return {"overrides": [_pairs(each.get("propertiesUi")) for each in values]}
    return _pairs(parameters.get("propertiesUi"))


def _pairs(given: Any) -> dict[str, Any]:
    values = given.get("propertyValues") if isinstance(given, Mapping) else None
    return {js_string(each.get("key", UNDEFINED)): each.get("value") for each in values or []}
