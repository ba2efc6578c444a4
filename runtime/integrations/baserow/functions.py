"""Baserow: rows under the names of their fields, which the API numbers."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import MAX_PAGES, Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_PAGE: Final = 100


async def create(run: Run, scope: Scope) -> list[Item]:
    """Create a row. Raise NodeError."""
    fields = await _fields(run, scope)
    row = await run.request(scope, method="POST", path=_rows(scope), json=_sent(scope, fields))
    return [{"json": _named(row, fields)}]


async def update(run: Run, scope: Scope) -> list[Item]:
    """Change a row. Raise NodeError."""
    fields = await _fields(run, scope)
    row = await run.request(scope, method="PATCH", path=_row(scope), json=_sent(scope, fields))
    return [{"json": _named(row, fields)}]


async def get(run: Run, scope: Scope) -> list[Item]:
    """Return a row. Raise NodeError."""
    fields = await _fields(run, scope)
    found = await run.request(scope, path=_row(scope))
    return [{"json": _named(each, fields)} for each in (found if isinstance(found, list) else [found])]


async def delete(run: Run, scope: Scope) -> list[Item]:
    """Delete a row; the fields are asked for, as by n8n. Raise NodeError."""
    await _fields(run, scope)
    await run.request(scope, method="DELETE", path=_row(scope))
    return [{"json": {"success": True}}]


async def list_rows(run: Run, scope: Scope) -> list[Item]:
    """Return the rows of a table. Raise NodeError."""
    fields = await _fields(run, scope)
    everything, limit = scope.parameters.get("returnAll"), int(scope.parameters.get("limit") or 0)
    rows = list[Any]()
    for number in range(1, MAX_PAGES + 1):
        query = _filters(scope) | {"page": number, "size": _PAGE}
        answer = await run.request(scope, path=_rows(scope), query=query)
        rows += answer.get("results") or []
        if not answer.get("next") or (not everything and len(rows) >= limit):
            break
    else:
        raise NodeError(f"Baserow gave more than {MAX_PAGES} pages", item=scope.index)
    return [{"json": _named(each, fields)} for each in (rows if everything else rows[:limit])]


async def _fields(run: Run, scope: Scope) -> dict[str, str]:
    """Return the names of the table's fields by their wire name."""
    table = _table(scope)
    found = run.sender.shared.get(table) or await run.request(scope, path=f"/fields/table/{table}/")
    run.sender.shared[table] = found
    return {f"field_{each['id']}": js_string(each["name"]) for each in found}


def _rows(scope: Scope) -> str:
    return f"/rows/table/{_table(scope)}/"


def _table(scope: Scope) -> str:
    """Return the table of the first item, which is that of all."""
    return segment(scope.names["table"])


def _row(scope: Scope) -> str:
    return f"{_rows(scope)}{segment(js_string(scope.parameters.get('rowId')))}/"


def _named(row: Any, fields: Mapping[str, str]) -> Any:
    return {fields.get(name, name): each for name, each in row.items()} if isinstance(row, Mapping) else row


def _sent(scope: Scope, fields: Mapping[str, str]) -> dict[str, Any]:
    parameters = scope.parameters
    if parameters.get("dataToSend") != "autoMapInputData":
        given = (parameters.get("fieldsUi") or {}).get("fieldValues") or []
        return {f"field_{js_string(each.get('fieldId'))}": each.get("fieldValue") for each in given}
    ignored = FILTERS["split"](parameters.get("inputsToIgnore") or "")
    wire = {name: key for key, name in fields.items()}
    item = scope.item.get("json", {})
    return {wire.get(name, name): each for name, each in item.items() if name not in ignored}


async def create_many(run: Run) -> Items:
    """Create the rows of all items, or those in the node, at once. Raise NodeError."""
    return await _many(run, "POST")


async def update_many(run: Run) -> Items:
    """Change the rows of all items, or those in the node, at once. Raise NodeError."""
    return await _many(run, "PATCH")


async def _many(run: Run, method: str) -> Items:
    scope = await run.scope(0)
    fields = await _fields(run, scope)
    if scope.parameters.get("dataToSend") == "autoMapInputData":
        rows = [_sent(await run.scope(i), fields) for i in range(len(run.items))]
    else:
        given = scope.parameters.get("rowsUi") or {}
        rows = [_entry(each) for each in (given.get("rowValues") or [] if isinstance(given, Mapping) else [])]
    answer = await run.request(scope, method=method, path=f"{_rows(scope)}batch/", json={"items": rows})
    return [{"json": _named(each, fields), "pairedItem": {"item": 0}} for each in answer["items"]]


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    given = (entry.get("fieldsUi") or {}).get("fieldValues") or []
    values = {f"field_{js_string(each.get('fieldId'))}": each.get("fieldValue") for each in given}
    return ({"id": entry["id"]} if "id" in entry else {}) | values


async def delete_many(run: Run) -> Items:
    """Delete the rows that all items name, or those in the node, at once. Raise NodeError."""
    scope = await run.scope(0)
    await _fields(run, scope)
    if scope.parameters.get("dataToSend") == "autoMapInputData":
        member = js_string(scope.parameters.get("rowIdProperty", "id"))
        ids = [js_string(each["json"].get(member, UNDEFINED)) for each in run.items]
    else:
        ids = scope.parameters.get("rowIds") or []
    await run.request(scope, method="POST", path=f"{_rows(scope)}batch-delete/", json={"items": ids})
    return [{"json": {"success": True, "deleted": ids}, "pairedItem": {"item": 0}}]


def _field(entry: Mapping[str, Any]) -> str:
    return f"field_{js_string(entry.get('field'))}"


def _filters(scope: Scope) -> dict[str, Any]:
    given = scope.parameters.get("additionalOptions") or {}
    query: dict[str, Any] = {}
    orders = (given.get("order") or {}).get("fields") or []
    if orders:
        query["order_by"] = ",".join(
            f"{each.get('direction', '')}{js_string(each.get('field', ''))}" for each in orders
        )
    for each in (given.get("filters") or {}).get("fields") or []:
        query[f"filter__{_field(each)}__{js_string(each.get('operator', 'equal'))}"] = each.get("value", "")
    if given.get("filterType"):
        query["filter_type"] = given["filterType"]
    if given.get("search"):
        query["search"] = given["search"]
    return query
