"""Google Sheets: sheets that are read, cleared, added and deleted, and their rows and columns."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from runtime.contract import Item, Items
from runtime.integrations.answers import elements_of, member_of_answer
from runtime.integrations.google_sheets.cells import colour, column_letters, column_number
from runtime.integrations.google_sheets.node import book_of, entry_of, options_of, own_items, sheet_of
from runtime.integrations.google_sheets.reading import Reading, found, numbered
from runtime.integrations.google_sheets.sheet import FORMATTED, Sheet, Spreadsheet
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string
from schemas.item import UNDEFINED, PairedItem

__all__ = ["clear", "create", "created_sheet", "delete", "delete_spans", "read", "remove", "sheet_properties"]

_NUMBER: Final = re.compile(r"\s*[+-]?\d{1,15}")
_EVERY_ITEM_SINCE: Final = 4.2
"""The version from which reading is done for each item, not for the first alone."""
_ALL_MATCHES_SINCE: Final = 4.5
"""The version from which reading returns all matches unless told otherwise."""


async def read(run: Run) -> Items:
    """Return the rows of a sheet that match the filters, with the number of each row."""
    first = await run.scope(0)
    sheet = await sheet_of(run, first)
    out: Items = []
    count = len(run.items) if first.version >= _EVERY_ITEM_SINCE else 1
    for i in range(count):
        scope = await run.scope(i)
        options, filters = options_of(scope), _filters(scope)
        if count == 1:
            for other in range(1, len(run.items)):
                filters += _filters(await run.scope(other))
        location, formatting = entry_of(options.get("dataLocationOnSheet")), entry_of(options.get("outputFormatting"))
        reading = Reading.of(location)
        rendering = {
            "valueRenderOption": formatting.get("general") or "UNFORMATTED_VALUE",
            "dateTimeRenderOption": formatting.get("date") or "FORMATTED_STRING",
        }
        cells = reading.cells
        rows = await sheet.book.get(sheet.range(cells) if cells else sheet.whole, rendering)
        every = _wants_all(scope)
        together = scope.parameters.get("combineFilters") == "AND"
        read_rows = found(numbered(rows, reading), filters, together=together, every=every)
        out += [{"json": row, "pairedItem": {"item": i}} for row in read_rows]
    return out


def _wants_all(scope: Scope) -> bool:
    """Return whether all rows that match are wanted, not the first."""
    options = options_of(scope)
    if scope.version < _ALL_MATCHES_SINCE:
        return options.get("returnAllMatches") == "returnAllMatches"
    return not options.get("returnFirstMatch")


def _filters(scope: Scope) -> list[tuple[str, Any]]:
    """The filters of an item: (column, value)."""
    filters = scope.parameters.get("filtersUI")
    entries_ = filters.get("values") if isinstance(filters, Mapping) else None
    return [
        (js_string(each.get("lookupColumn", "")), each.get("lookupValue", ""))
        for each in (entries_ if isinstance(entries_, list) else [])
    ]


async def clear(run: Run) -> Items:
    """Remove the values of a sheet, or of a part of it."""
    sheet = await sheet_of(run, await run.scope(0))

    async def work(i: int) -> Items:
        await _clear(sheet, (await run.scope(i)).parameters)
        return []

    for i in range(len(run.items)):
        await run.once(i, partial(work, i))
    return own_items(run)


async def _clear(sheet: Sheet, parameters: Mapping[str, Any]) -> None:
    kind, start = parameters.get("clear", "wholeSheet"), parameters.get("startIndex")
    if kind == "wholeSheet":
        keeps = bool(parameters.get("keepFirstRow"))
        first = await sheet.book.read(sheet.range("1:1"), FORMATTED) if keeps else UNDEFINED
        await sheet.book.clear(sheet.whole, sheet.title)
        if keeps:  # n8n writes it, also where there is none
            await sheet.book.put(sheet.range("1:1"), first, "RAW")
        return
    if kind == "specificRows":
        cells = f"{start}:{js_string(js_number(start or 1) + js_number(parameters.get('rowsToDelete', 1)) - 1)}"
    elif kind == "specificColumns":
        last = column_number(start) + int(parameters.get("columnsToDelete", 1)) - 1
        cells = f"{start}:{column_letters(last - 1)}"
    elif kind == "specificRange":
        cells = js_string(parameters.get("range", ""))
    else:  # n8n clears a range without a name
        await sheet.book.clear("''", "")
        return
    await sheet.book.clear(sheet.range(cells), sheet.range(cells))


async def create(run: Run) -> Items:
    """Add a sheet; one whose title is there already is left alone."""
    book = book_of(run, await run.scope(0))
    titles = await book.titles()

    async def work(i: int) -> Items:
        scope = await run.scope(i)
        title = scope.parameters.get("title", "")
        if title in titles:
            return []
        titles.append(title)
        return await _add(book, scope, title)

    return [each for i in range(len(run.items)) for each in await run.once(i, partial(work, i))]


async def _add(book: Spreadsheet, scope: Scope, title: Any) -> Items:
    response = await book.change({"addSheet": {"properties": {**sheet_properties(scope), "title": title}}})
    first = next(iter(elements_of(response, "replies", "0")), UNDEFINED)
    added = member_of_answer(member_of_answer(first, "addSheet"), "properties")
    return [_paired({**_without_replies(response), **(added if isinstance(added, Mapping) else {})}, scope.index)]


def created_sheet(scope: Scope) -> dict[str, Any]:
    """Return the answer to the creation of a sheet in versions 1 and 2 in short. Raise NodeError for one without the sheet."""
    response = scope.names["response"]
    replies = member_of_answer(response, "replies")
    if not isinstance(replies, list):
        replies = [member_of_answer(replies, "0")]
    added = member_of_answer(member_of_answer(next(iter(replies), UNDEFINED), "addSheet"), "properties")
    return {**_without_replies(response), **(added if isinstance(added, Mapping) else {})}


def sheet_properties(scope: Scope) -> dict[str, Any]:
    """Return the options of a new sheet as the API's properties."""
    properties = dict(options_of(scope))
    if properties.get("tabColor"):
        properties["tabColor"] = colour(js_string(properties["tabColor"]))
    return properties


async def delete_spans(run: Run) -> Items:
    """Delete the rows and columns that the first item names, in versions 1 and 2."""
    scope = await run.scope(0)
    id_ = js_string(scope.names["spreadsheet"])
    await Spreadsheet(run, scope, id_).change(*_deletions(scope))
    return own_items(run)


def _deletions(scope: Scope) -> list[dict[str, Any]]:
    """Return rows and columns to delete as the API's requests."""
    chosen = scope.parameters.get("toDelete")
    groups = chosen if isinstance(chosen, Mapping) else {}
    return [
        {"deleteDimension": {"range": {
            "sheetId": each["sheetId"], "dimension": name.upper(), "startIndex": each["startIndex"],
            "endIndex": _sum(js_string(each["startIndex"]), js_string(each["amount"])),
        }}}
        for name in ("columns", "rows")
        for each in groups.get(name) or []
    ]  # fmt: skip


def _sum(*texts: str) -> int | None:
    """Return the sum of the numbers that texts begin with; None when one begins with none."""
    found = [_NUMBER.match(each) for each in texts]
    return sum(int(each[0]) for each in found if each) if all(found) else None


def _added(first: int, count: Any) -> Any:
    """Return the sum as JavaScript makes it: a text or a list is put behind the number."""
    return js_string(first) + js_string(count) if isinstance(count, str | list | dict) else first + js_number(count)


def _paired(json: Any, i: int) -> Item:
    return {"json": json, "pairedItem": {"item": i}}


def _without_replies(response: Any) -> Any:
    """Return an answer without what was done in it; one that is no object as it is."""
    if not isinstance(response, Mapping):
        return response
    return {name: each for name, each in response.items() if name != "replies"}


async def remove(run: Run) -> Items:
    """Delete a sheet."""
    sheet = await sheet_of(run, await run.scope(0))

    async def work(i: int) -> Items:
        response = await sheet.book.change({"deleteSheet": {"sheetId": sheet.id}})
        return [_paired(_without_replies(response), i)]

    return [each for i in range(len(run.items)) for each in await run.once(i, partial(work, i))]


async def delete(run: Run) -> Items:
    """Delete rows or columns of a sheet."""
    sheet = await sheet_of(run, await run.scope(0))

    async def work(i: int) -> Items:
        parameters = (await run.scope(i)).parameters
        columns = parameters.get("toDelete") == "columns"
        start = parameters.get("startIndex")
        first = (column_number(start) if columns else int(start or 1)) - 1
        span = {"startIndex": first, "endIndex": _added(first, parameters.get("numberToDelete", 1))}
        dimension = "COLUMNS" if columns else "ROWS"
        await sheet.book.change({"deleteDimension": {"range": {"sheetId": sheet.id, "dimension": dimension, **span}}})
        return []

    for i in range(len(run.items)):
        await run.once(i, partial(work, i))
    paired: list[PairedItem] = [{"item": i} for i in range(len(run.items))]
    return [{"json": {"success": True}, "pairedItem": paired}]
