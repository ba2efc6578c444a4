"""Microsoft SharePoint: the fields of an item, what n8n asks for and leaves of an answer that is simplified."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeApiError, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import is_empty, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

_SIMPLE: Final = "id,createdDateTime,lastModifiedDateTime,webUrl"
_NO_MATCH: Final = "The column(s) don't match any existing item"
_CHECK: Final = "Double-check the value(s) for the columns to match and try again"
_NON_INDEXED: Final = {"Prefer": "HonorNonIndexedQueriesWarningMayFailRandomly"}


def columns(scope: Scope) -> dict[str, Any]:
    """Return the fields of an item to create or to change, of version 2: those of the node, or those of the input item."""
    mapper = scope.parameters.get("columns") or {}
    given, known = mapper.get("value"), None
    if mapper.get("mappingMode") == "autoMapInputData":
        given, known = scope.item.get("json"), {each.get("id") for each in mapper.get("schema") or []}
    if not isinstance(given, Mapping):
        raise NodeError("Cannot convert undefined or null to object", item=scope.index)
    return {
        name: each for name, each in given.items() if name != "id" and each is not None and (not known or name in known)
    }


async def write_item(run: Run, scope: Scope) -> list[Item]:
    """Change the item that the columns to match tell; `upsert` creates one where there is none. Raise NodeError."""
    path = "/sites/{}/lists/{}/items".format(*(segment(_located(scope, each)) for each in ("site", "list")))
    found = await _matching(run, scope, path)
    simple = scope.version < 2
    fields = _given(scope) if simple else columns(scope)
    if found is None and (not simple or scope.parameters.get("operation") == "upsert"):
        return [{"json": await run.request(scope, method="POST", path=path, json={"fields": fields})}]
    at = path if found is None else f"{path}/{segment(found)}"
    if simple:
        return [{"json": await run.request(scope, method="PATCH", path=at, json={"fields": fields})}]
    await run.request(scope, method="PATCH", path=f"{at}/fields", json=fields)
    return [{"json": await run.request(scope, path=at, query={"$expand": "fields"})}]


def _located(scope: Scope, name: str) -> Any:
    return scope.located(name, scope.parameters.get(name))


def _given(scope: Scope) -> dict[str, Any]:
    """Return the fields that version 1 writes: those of the node, whatever the mapping mode, as n8n does."""
    mapper = scope.parameters.get("columns") or {}
    return {name: each for name, each in (mapper.get("value") or {}).items() if name != "id"}


async def _matching(run: Run, scope: Scope, path: str) -> Any:
    """Return the id of the item that has the values of the columns to match; None where it is to be created. Raise NodeError."""
    mapper = scope.parameters.get("columns") or {}
    names = [js_string(each) for each in mapper.get("matchingColumns") or []]
    creates = scope.parameters.get("operation") == "upsert"
    values = mapper.get("value")
    if scope.version >= 2 and mapper.get("mappingMode") == "autoMapInputData":
        values = scope.item.get("json")
    if not names:
        if scope.version < 2 or creates:
            return None
        raise _no_match(scope)
    if values is None:
        raise unreadable(None, names[0], scope.index)
    if "id" in names:
        if not truthy(values.get("id")):
            raise _no_match(scope)
        return values["id"]
    answer = await run.request(scope, path=path, query={"$filter": _filter(scope, names, values)}, headers=_NON_INDEXED)
    found = answer.get("value") if isinstance(answer, Mapping) else None
    found = found if isinstance(found, list) else []
    if len(found) > 1 and scope.version >= 2:
        raise NodeError("Multiple items match the selected column(s)", item=scope.index)
    if len(found) != 1 and not creates:
        raise _no_match(scope)
    return found[0].get("id") if len(found) == 1 else None


def _filter(scope: Scope, names: list[str], values: Mapping[str, Any]) -> str:
    if scope.version < 2:  # n8n's own joining, which loses a space
        return " and".join(f"fields/{name} eq '{js_string(values.get(name, UNDEFINED))}'" for name in names)
    quoted = {name: js_string(values.get(name, UNDEFINED)).replace("'", "''") for name in names}
    return " and ".join(f"fields/{name} eq '{each}'" for name, each in quoted.items())


def _no_match(scope: Scope) -> NodeError:
    kind = NodeApiError if scope.version < 2 else NodeError
    return kind(_NO_MATCH, description=_CHECK, item=scope.index)


def listing(scope: Scope) -> dict[str, Any]:
    """Return the query of a list of items. Version 1 leaves out filter and fields where all items are asked for, as n8n does."""
    parameters = scope.parameters
    everything, simple = truthy(parameters.get("returnAll")), truthy(parameters.get("simplify"))
    names = (parameters.get("options") or {}).get("fields") or []
    names = names if isinstance(names, list) else [names]
    query: dict[str, Any] = {} if everything else {"$top": parameters.get("limit")}
    new = scope.version >= 2
    if simple:
        query["$select"] = _SIMPLE
    elif names:
        query["$select"] = ",".join(map(js_string, names)) if new else names
    if everything and not new:
        return query
    if not is_empty(parameters.get("filter")):
        query["$filter"] = parameters.get("filter")
    if simple:
        query["$expand"] = "fields($select=Title)" if new else "fields(select=Title)"
    elif "fields" in names:
        query["$expand"] = "fields"
    return query


def simple(scope: Scope) -> Any:
    """Return the answer without the annotations that n8n takes away."""
    return _without(scope.names["response"], "@odata.context")


def simple_list(scope: Scope) -> list[Any]:
    """Return the elements of all pages without the annotations that n8n takes away."""
    return [_without(each, "@odata.context") for each in scope.names["items"]]


def simple_item(scope: Scope) -> Any:
    """Return an item without annotations, those of its fields included."""
    return _simple_item(scope.names["response"])


def simple_items(scope: Scope) -> list[Any]:
    """Return the items of all pages without annotations, those of their fields included."""
    return [_simple_item(each) for each in scope.names["items"]]


def _simple_item(found: Any) -> Any:
    made = _without(_without(found, "fields@odata.navigationLink"), "@odata.context")
    fields = made.get("fields") if isinstance(made, Mapping) else None
    return {**made, "fields": _without(fields, "@odata.etag")} if isinstance(fields, Mapping) else made


def _without(found: Any, name: str) -> Any:
    return {key: each for key, each in found.items() if key != name} if isinstance(found, Mapping) else found


def next_page(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    answer = scope.names["response"]
    return answer.get("@odata.nextLink", UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED


def wrong_name(scope: Scope) -> Any:
    """Return what is wrong with the name of a file that is to be stored; UNDEFINED: nothing."""
    name = js_string(scope.parameters.get("fileName") or "")
    wrong = [each for each in '"*:<>?/\\|' if each in name]
    return (
        f'The file name "{name}" contains characters that SharePoint doesn\'t allow: {" ".join(wrong)}'
        if wrong
        else UNDEFINED
    )
