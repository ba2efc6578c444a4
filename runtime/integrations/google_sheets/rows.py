"""Google Sheets 3 and later: rows that are added or changed."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.google_sheets.cells import ROW_NUMBER, Rows, row_of
from runtime.integrations.google_sheets.node import (
    MAPPER_SINCE,
    entry_of,
    input_option,
    made_items,
    mapper_of,
    mode_of,
    options_of,
    own_items,
    sheet_of,
)
from runtime.integrations.google_sheets.sheet import Sheet
from runtime.integrations.google_sheets.writing import Changes, Columns, changes_of, entries
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

__all__ = ["append", "append_or_update", "update"]

_SCHEMA_SINCE: Final = 4.4
"""The version from which the columns are compared with those that the node was set up with."""
_NO_SCHEMA: Final = 'Could not get parameter "columns.schema"'
_NOT_DEFINED: Final = "`columns.schema` is required when `columns.mappingMode` is `defineBelow`"
_CHOOSE: Final = "Choose the columns in the node again, or map the input fields by name (`autoMapInputData`)."


async def append(run: Run) -> Items:
    """Add rows at the end of a sheet."""
    scope = await run.scope(0)
    sheet, options, mode = await sheet_of(run, scope), options_of(scope), mode_of(scope)
    if mode == "nothing":
        return []
    header_row = int(entry_of(options.get("locationDefine")).get("headerRow") or 1)
    rows = await sheet.rows()
    columns = Columns.of(rows, header_row)
    if mode == "autoMapInputData":
        values = columns.admit([dict(item["json"]) for item in run.items], options.get("handlingExtraData"))
        written = own_items(run)
    else:
        if columns.names:
            if scope.version >= _SCHEMA_SINCE and not mapper_of(scope).get("schema"):
                raise NodeError(_NOT_DEFINED, description=_CHOOSE)
            _check_schema(scope, columns)
        values = [_fields(await run.scope(i), i) for i in range(len(run.items))]
        written = made_items(values) if scope.version >= MAPPER_SINCE else own_items(run)
        if not columns.names:  # an empty sheet gets its first row
            columns.admit(values, None)
    if columns.grown:
        await sheet.put_header(header_row, columns.names, js_string(options.get("cellFormat") or "RAW"))
    api_append = bool(options.get("useAppend"))
    last = max(len(rows), header_row)
    if api_append:
        rendering = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"}
        last = max(len(await sheet.book.get(sheet.whole, rendering)), header_row)
    new = [row_of(each, columns.names, None if api_append else "") for each in values]
    await sheet.add_rows(new, last, input_option(scope), api_append=api_append)
    return written


def _fields(scope: Scope, i: int) -> dict[str, Any]:
    """The values of an item's row that are given in the node. Raise NodeError when there are none."""
    if scope.version < MAPPER_SINCE:
        return entries(scope.parameters.get("fieldsUi"))
    columns = mapper_of(scope)
    values = columns.get("value")
    if not isinstance(values, Mapping):
        raise NodeError("The columns have no values: add them under 'Values to Send'", item=i)
    if not values:
        raise NodeError("At least one value has to be added under 'Values to Send'", item=i)
    return _converted(values, columns)


def _converted(values: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a mapper; those of text columns as texts where the node asks for that."""
    if not columns.get("convertFieldsToString"):
        return dict(values)
    schema = columns.get("schema") or []
    texts = {each.get("id") for each in schema if isinstance(each, Mapping) and each.get("type") == "string"}
    plain = (str, dict, list, type(None))
    return {
        name: js_string(each) if name in texts and not isinstance(each, plain) else each
        for name, each in values.items()
    }


def _check_schema(scope: Scope, columns: Columns) -> None:
    """Raise NodeError when the sheet lacks a column that the node was set up with."""
    if scope.version < _SCHEMA_SINCE:
        return
    schema = mapper_of(scope).get("schema")
    if not isinstance(schema, list):
        raise NodeError(_NO_SCHEMA, description=_CHOOSE)
    missing = [js_string(each["id"]) for each in schema if each.get("id") not in {*columns.names, ROW_NUMBER}]
    if missing:
        raise NodeError(
            "Column names were updated after the node's setup",
            description=f"Choose the columns in the node again. Missing columns: {', '.join(missing)}",
        )


async def append_or_update(run: Run) -> Items:
    """Write into the rows that match a column, and add the others at the end."""
    return await _write(run, add=True)


async def update(run: Run) -> Items:
    """Write into the rows that match a column, or that have a number."""
    return await _write(run, add=False)


async def _write(run: Run, *, add: bool) -> Items:
    scope = await run.scope(0)
    sheet, options, mode = await sheet_of(run, scope), options_of(scope), mode_of(scope)
    location = entry_of(options.get("locationDefine"))
    header_row, first_row = int(location.get("headerRow") or 1), int(location.get("firstDataRow") or 2)
    rows = await sheet.rows()
    columns = Columns.of(rows, header_row)
    new_mapper = scope.version >= MAPPER_SINCE
    if add and mode == "autoMapInputData":
        _check_schema(scope, columns)
    if len(rows) < header_row and (rows or not add):
        raise NodeError(f"Could not retrieve the column names from row {header_row}")
    if mode == "nothing":
        return [] if new_mapper else own_items(run)
    if add:
        _check_schema(scope, columns)
        mode = mode if rows else "autoMapInputData"  # n8n fills an empty sheet with the input
    key, option = _key(scope, add=add), input_option(scope)
    values: list[dict[str, Any]] = []
    if mode == "autoMapInputData":
        for item in run.items:  # an item that brings new columns has the header written, as in n8n
            values += columns.admit([dict(item["json"])], options.get("handlingExtraData"))
            await _grow(sheet, columns, header_row, option)
    else:
        values = [_matched(await run.scope(i), key, i) for i in range(len(run.items))]
        columns.admit([_new_columns(await run.scope(i)) for i in range(len(run.items))] if not new_mapper else [], None)
        if not columns.names:
            columns.admit(values, None)
        await _grow(sheet, columns, header_row, option)
    changes = changes_of(rows, columns, key, values, first_row=first_row, adds=add)
    await _send(sheet, changes, columns, option, rows if add else None, options, header_row)
    if mode == "autoMapInputData" or not new_mapper:
        return own_items(run)
    return made_items(values) if add or changes.cells else []


async def _grow(sheet: Sheet, columns: Columns, header_row: int, option: str) -> None:
    """Write the header when it has new columns. Raise NodeError."""
    if columns.grown:
        await sheet.put_header(header_row, columns.names, option)
        columns.grown = False


async def _send(
    sheet: Sheet,
    changes: Changes,
    columns: Columns,
    option: str,
    rows: Rows | None,
    options: Mapping[str, Any],
    header: int,
) -> None:
    """Write the cells of rows that matched, and the rows that did not when `rows` (all of the sheet) is given."""
    if changes.cells:
        data = [{"range": sheet.range(name), "values": [[value]]} for name, value in changes.cells]
        await sheet.book.put_cells(data, option)
    if rows is None or not changes.unmatched:
        return
    api_append = bool(options.get("useAppend"))
    new = [row_of(each, columns.names, None if api_append else "") for each in changes.unmatched]
    await sheet.add_rows(new, max(len(rows), header), option, api_append=api_append)


def _key(scope: Scope, *, add: bool) -> str:
    """The column that rows are matched on. Raise NodeError."""
    if scope.version < MAPPER_SINCE:
        return js_string(scope.parameters.get("columnToMatchOn", ""))
    matching = mapper_of(scope).get("matchingColumns")
    if not isinstance(matching, list) or not matching:
        operation = "Append or Update Row" if add else "Update Row"
        raise NodeError(
            f"`columns.matchingColumns` is required for the {operation} operation",
            description="Choose the column whose value tells which row is meant.",
        )
    return js_string(matching[0])


def _matched(scope: Scope, key: str, i: int) -> dict[str, Any]:
    """The values of an item's row, the one to match included. Raise NodeError."""
    if scope.version < MAPPER_SINCE:
        wanted = scope.parameters.get("valueToMatchOn", "")
        if wanted == "":
            raise NodeError("The 'Column to Match On' parameter is required", item=i)
        return {**entries(scope.parameters.get("fieldsUi")), key: wanted}
    columns = mapper_of(scope)
    values = columns.get("value")
    wanted = values.get(key) if isinstance(values, Mapping) else None
    if not isinstance(values, Mapping) or wanted is None or wanted == "":
        raise NodeError("The 'Column to Match On' parameter is required", item=i)
    if not any(name != key for name in values) and key == ROW_NUMBER:
        raise NodeError("At least one value has to be added under 'Values to Send'", item=i)
    return _converted(values, columns)


def _new_columns(scope: Scope) -> dict[str, Any]:
    """The values for columns that the node adds to the sheet."""
    return entries(scope.parameters.get("fieldsUi"), new=True)
