"""Microsoft Excel: rows of worksheets and of tables, which Graph gives and takes as grids of cells."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.filters import is_empty
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_number, js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED, NoJson, PairedItem

PAGE: Final = 100
_SHEET: Final = "/drive/items/{$book}/workbook/worksheets/{$sheet}"
_TABLE: Final = _SHEET + "/tables/{$listed}"
_SESSION: Final = "/drive/items/{$book}/workbook/"
_CELL: Final = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_EMPTY: Final = (
    "No data found in the specified range, mapping not possible, you can use raw mode instead to update selected range"
)


def next_link(scope: Scope) -> Any:
    """Return the address of the next page; UNDEFINED after the last."""
    answer = scope.names["response"]
    link = answer.get("@odata.nextLink") if isinstance(answer, Mapping) else None
    return link if scope.parameters.get("returnAll") and link else UNDEFINED


def next_skip(scope: Scope) -> Any:
    """Return how many columns there are before the next page; UNDEFINED where it is the last, which is an empty one."""
    everything = scope.parameters.get("returnAll") and scope.names["found"]
    return PAGE * scope.names["pageNumber"] if everything else UNDEFINED


async def append(run: Run) -> Items:
    """Write the rows of all items below the last row that is used."""
    scope = await run.scope(0)
    mode = scope.parameters.get("dataMode")
    used = await run.request(scope, path=Template(_SHEET + "/usedRange"))
    values, address = _grid(used), js_string(used.get("address") or "")
    data = scope.parameters.get("data")
    if mode == "raw" and not (isinstance(data, list) and all(isinstance(each, list) for each in data)):
        raise NodeError("Data must be an array of arrays of strings")
    cells = _CELL.findall(address.rpartition("!")[2])
    header = values[0] if values else []
    if not header or all(is_empty(each) for each in header) or not cells:
        raise NodeError(_EMPTY)
    rows: list[Any] = (
        list(data or []) if mode == "raw" else [_row(header, entry) for entry in await _entries(run, mode)]
    )
    (first, _), (last, bottom) = cells[0], cells[-1]
    top = int(bottom) + 1
    range_ = f"{first}{top}:{last}{top + len(rows) - 1}"
    path = Template(_SHEET + f"/range(address='{range_}')")
    answer = await run.request(scope, method="PATCH", path=path, json={"values": rows})
    return _shown(scope, answer, [header, *_grid(answer)], 0, 1)


async def read_rows(run: Run, scope: Scope) -> list[Item]:
    """Read the rows of a range, or of all that is used."""
    parameters, options = scope.parameters, _options(scope)
    range_ = js_string(parameters.get("range") or "") if parameters.get("useRange") else ""
    place = f"/range(address='{range_}')" if range_ else "/usedRange"
    raw = options.get("rawData")
    query = {"$select": options["fields"]} if raw and not is_empty(options.get("fields")) else None
    answer = await run.request(scope, path=Template(_SHEET + place), query=query)
    key, start = (
        int(js_number(parameters.get(name, default))) for name, default in (("keyRow", 0), ("dataStartRow", 1))
    )
    return _shown(scope, answer, _grid(answer), *((key, start) if range_ else (0, 1)))


async def update(run: Run) -> Items:
    """Write what the items give into the rows whose cell matches: a row of all cells at once, as n8n does."""
    scope = await run.scope(0)
    parameters = scope.parameters
    mode, range_ = parameters.get("dataMode"), js_string(parameters.get("range") or "")
    if mode == "raw" and parameters.get("useRange"):
        grid = _raw(scope)
        changed = None
    else:
        method, place = (
            ("PATCH", f"/range(address='{range_}')") if parameters.get("useRange") else ("GET", "/usedRange")
        )
        more: dict[str, Any] = (
            {"json": {}} if method == "PATCH" else {"query": {"select": "address"}} if mode == "raw" else {}
        )
        used = await run.request(scope, method=method, path=Template(_SHEET + place), **more)
        grid = _raw(scope) if mode == "raw" else [list(row) for row in _grid(used)]
        range_ = range_ if method == "PATCH" else js_string(used.get("address") or "").rpartition("!")[2]
        changed = None if mode == "raw" else await _changed(run, scope, grid)
    path = Template(_SHEET + f"/range(address='{range_}')")
    answer = await run.request(scope, method="PATCH", path=path, json={"values": grid})
    shown = _shown(scope, answer, _grid(answer), 0, 1)
    if changed is None or _options(scope).get("rawData"):
        return shown
    return [each for i, each in enumerate(shown, 1) if i in changed]


async def _changed(run: Run, scope: Scope, grid: list[Any]) -> set[int]:
    """Change the rows of the grid that match, and return which. Raise NodeError where no item can match."""
    header = [js_string(each) for each in grid[0]] if grid else []
    mapped = scope.parameters.get("dataMode") == "autoMap"
    entries, changed = await _entries(run, scope.parameters.get("dataMode")), set[int]()
    column = js_string(scope.parameters.get("columnToMatchOn", UNDEFINED))
    if mapped and not any(column in entry for entry in entries):
        raise NodeError(f"Any item in input data contains column '{column}', that is selected to match on")
    if column not in header:
        return changed
    place = header.index(column)
    for i, entry in enumerate(entries):
        own = await run.scope(i)
        wanted = js_string(entry.get(column) if mapped else own.parameters.get("valueToMatchOn"))
        for row in range(1, len(grid)):
            if js_string(grid[row][place]) == wanted:
                old = zip(header, grid[row], strict=False)
                grid[row] = [entry.get(name) if mapped else entry.get(name, cell) for name, cell in old]
                changed.add(row)
                if not _options(own).get("updateAll"):
                    break
    return changed


def _raw(scope: Scope) -> list[Any]:
    data = scope.parameters.get("data")
    try:
        data = parse_json(data) if isinstance(data, str) else data
    except NotJsonError:
        data = None
    if not (isinstance(data, list) and all(isinstance(each, list) for each in data)):
        raise NodeError("Data must be an array of arrays of strings")
    return data


async def append_to_table(run: Run) -> Items:
    """Add the rows of all items to a table, in a session."""
    scope = await run.scope(0)
    found = await run.request(scope, path=Template(_TABLE + "/columns"))
    header = [each.get("name") for each in found.get("value") or []]
    rows = [_row(header, entry) for entry in await _entries(run, scope.parameters.get("dataMode"))]
    body: dict[str, Any] = {"values": rows}
    if (place := _options(scope).get("index")) is not None:
        body["index"] = place
    opened = await run.request(
        scope, method="POST", path=Template(_SESSION + "createSession"), json={"persistChanges": True}
    )
    session = {"workbook-session-id": opened.get("id")}
    answer = await run.request(scope, method="POST", path=Template(_TABLE + "/rows/add"), json=body, headers=session)
    closing = Template(_SESSION + "closeSession")
    await run.request(scope, method="POST", path=closing, json={}, headers=session, response="text")
    return _shown(scope, answer, [header, *_grid(answer)], 0, 1)


async def table_rows(run: Run, scope: Scope) -> list[Item]:
    """Read the rows of a table: up to `limit`, or all of them in pages."""
    parameters = scope.parameters
    raw = parameters.get("rawData")
    wanted = (parameters.get("filters") or {}).get("fields") if raw else None
    query = {} if is_empty(wanted) else {"$select": wanted}
    rows_path = Template(_TABLE + "/rows")
    if parameters.get("returnAll"):
        rows = await _pages(run, scope, rows_path, query)
    else:
        answer = await run.request(scope, path=rows_path, query={**query, "$top": parameters.get("limit")})
        rows = answer.get("value") or []
    if raw:
        return [{"json": {js_string(parameters.get("dataProperty") or "data"): rows}}]
    columns = await _pages(run, scope, Template(_TABLE + "/columns"), {"$select": "name"})
    names = [js_string(each.get("name", UNDEFINED)) for each in columns]
    return [{"json": _named(names, _grid(each)[0]), "pairedItem": {"item": i}} for i, each in enumerate(rows)]


def columns(scope: Scope) -> Any:
    """Return the columns as they are; together in one property where the author wants them raw."""
    found = scope.names["items"]
    return (
        {js_string(scope.parameters.get("dataProperty") or "data"): found} if scope.parameters.get("rawData") else found
    )


def column_names(scope: Scope) -> Any:
    """Return the names of the columns; the columns in one property where the author wants them raw."""
    found = columns(scope)
    return [{"name": each.get("name")} for each in found] if isinstance(found, list) else found


async def range_rows(run: Run, scope: Scope) -> list[Item]:
    """Read the rows of a range, as version 1 does."""
    parameters = scope.parameters
    raw, wanted = parameters.get("rawData"), (parameters.get("filters") or {}).get("fields")
    path = Template(_SHEET + "/range(address='{range}')")
    answer = await run.request(scope, path=path, query={"$select": wanted} if raw and not is_empty(wanted) else None)
    if raw:
        return [{"json": {js_string(parameters.get("dataProperty") or "data"): answer}}]
    key, start = (
        int(js_number(parameters.get(name, default))) for name, default in (("keyRow", 0), ("dataStartRow", 1))
    )
    return _shown(scope, answer, _grid(answer), key, start)


async def found_rows(run: Run, scope: Scope) -> list[Item]:
    """Return the row of a table whose cell has a value, or all such rows. Raise NodeError for a column that is none."""
    rows = await _pages(run, scope, Template(_TABLE + "/rows"), {})
    found = await _pages(run, scope, Template(_TABLE + "/columns"), {"$select": "name"})
    names = [js_string(each.get("name", UNDEFINED)) for each in found]
    column, wanted = (js_string(scope.parameters.get(each)) for each in ("lookupColumn", "lookupValue"))
    if column not in names:
        raise NodeError(f"Column {column} does not exist on the table selected", item=scope.index)
    named = [_named(names, _grid(each)[0]) for each in rows]
    matches = [each for each in named if js_string(each.get(column)) == wanted]
    if _options(scope).get("returnAllMatches"):
        return [{"json": each} for each in matches]
    return [{"json": matches[0] if matches else NoJson()}]


async def add_rows(run: Run) -> Items:
    """Add the rows of all items to a table, in a session, as version 1 does: what the service answers is the one item."""
    scope = await run.scope(0)
    found = await run.request(scope, path=Template(_TABLE + "/columns"))
    header = [each.get("name") for each in found.get("value") or []]
    body: dict[str, Any] = {"values": [_row(header, item["json"]) for item in run.items]}
    if place := (scope.parameters.get("additionalFields") or {}).get("index"):
        body["index"] = place
    session = {"persistChanges": True}
    opened = await run.request(scope, method="POST", path=Template(_SESSION + "createSession"), json=session)
    headers = {"workbook-session-id": opened.get("id")}
    answer = await run.request(scope, method="POST", path=Template(_TABLE + "/rows/add"), json=body, headers=headers)
    closing = Template(_SESSION + "closeSession")
    await run.request(scope, method="POST", path=closing, json={}, headers=headers, response="text")
    return [{"json": answer, "pairedItem": [PairedItem(item=i) for i in range(len(run.items))]}]


async def _pages(run: Run, scope: Scope, path: Template, query: Mapping[str, Any]) -> list[Any]:
    found: list[Any] = []
    skip = 0
    while True:
        answer = await run.request(scope, path=path, query={**query, "$top": PAGE, "$skip": skip})
        page = answer.get("value") or []
        if not page:
            return found
        found += page
        skip += PAGE


def _options(scope: Scope) -> Mapping[str, Any]:
    options = scope.parameters.get("options")
    return options if isinstance(options, Mapping) else {}


def _grid(answer: Any) -> list[Any]:
    values = answer.get("values") if isinstance(answer, Mapping) else None
    return values if isinstance(values, list) else []


async def _entries(run: Run, mode: Any) -> list[Mapping[str, Any]]:
    """Return what each item writes, by column."""
    if mode == "autoMap":
        return [item["json"] for item in run.items]
    scopes = [await run.scope(i) for i in range(len(run.items))]
    fields = [(scope.parameters.get("fieldsUi") or {}).get("values") or [] for scope in scopes]
    return [{js_string(each.get("column", UNDEFINED)): each.get("fieldValue") for each in given} for given in fields]


def _row(header: list[Any], entry: Mapping[str, Any]) -> list[Any]:
    return [entry.get(js_string(name)) for name in header]


def _named(names: list[str], row: list[Any]) -> dict[str, Any]:
    """Return the cells by name. The last column of a name counts, also where the row ends before it."""
    cells = {name: row[i] if i < len(row) else UNDEFINED for i, name in enumerate(names)}
    return {name: cell for name, cell in cells.items() if cell is not UNDEFINED}


def _shown(scope: Scope, answer: Any, values: list[Any], key: int, start: int) -> list[Item]:
    """Return a row an item, by the header, or all of the answer where the author wants it raw."""
    options = _options(scope)
    if options.get("rawData"):
        return [
            {"json": {js_string(options.get("dataProperty") or "data"): answer}, "pairedItem": [PairedItem(item=0)]}
        ]
    if not values or all(is_empty(each) for each in values[0]):
        return []
    names = [js_string(each) for each in values[key]] if key < len(values) else []
    return [
        {"json": dict(zip(names, row, strict=False)), "pairedItem": {"item": i}}
        for i, row in enumerate(values)
        if i >= start and i != key
    ]
