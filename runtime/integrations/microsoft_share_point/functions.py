"""Microsoft SharePoint: the fields of an item, and what n8n leaves of an answer that is simplified."""

from collections.abc import Mapping
from typing import Any

from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED


def columns(scope: Scope) -> dict[str, Any]:
    """Return the fields of an item to create or to change: those of the node, or those of the input item."""
    mapper = scope.parameters.get("columns") or {}
    given = scope.item.get("json") if mapper.get("mappingMode") == "autoMapInputData" else mapper.get("value")
    return {name: each for name, each in (given or {}).items() if name != "id" and each is not None}


def simple(scope: Scope) -> Any:
    """Return the answer without links and annotations of OData."""
    return _simple(scope.names["response"])


def simple_list(scope: Scope) -> list[Any]:
    """Return the elements of all pages without links and annotations of OData."""
    return [_simple(each) for each in scope.names["items"]]


def _simple(found: Any) -> Any:
    if not isinstance(found, Mapping):
        return found
    return {name: each for name, each in found.items() if "@odata" not in name and name != "eTag"}


def next_page(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    answer = scope.names["response"]
    return answer.get("@odata.nextLink", UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED
