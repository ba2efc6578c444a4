"""Google Sheets 1 and 2: rows of a range of a spreadsheet, whose names are in a row of that range."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from runtime.contract import Items, NodeError
from runtime.integrations.answers import unreadable
from runtime.integrations.google_sheets.cells import Rows, cell, column_letters, column_number, is_blank
from runtime.integrations.google_sheets.sheet import Spreadsheet
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_number, js_string, json_stringify, truthy
from schemas.item import UNDEFINED, PairedItem

__all__ = ["append_range", "clear_range", "lookup_range", "read_range", "update_range", "upsert_range"]

_CORNER: Final = re.compile(r"([a-zA-Z]{1,10})([0-9]{0,10})")


@dataclass(frozen=True)
class _Range:
    """A range like `Prices!A1:F100`."""

    text: str

    @property
    def sheet(self) -> str:
        """The sheet before the range, with `!`."""
        sheet, mark, _ = self.text.rpartition("!")
        return sheet + mark

    def corners(self) -> tuple[str, str]:
        """Return the two corners; the second is empty where the range has one only."""
        start, _, end = self.text.rpartition("!")[2].partition(":")
        return start, end

    def row(self, number: int) -> str:
        """Return one row of the range, from 1."""
        return self._row(number, *(each.rstrip("0123456789") for each in self.corners()))

    def row_to_append(self, number: int) -> str:
        """Return the row of the names as n8n asks for it before it appends: behind the rows that the range has."""
        return self._row(number, *self.corners())

    def _row(self, number: int, start: str, end: str) -> str:
        return f"{self.sheet}{start}{number}:{end or 'undefined'}{number}"

    def bounds(self) -> tuple[str, str, str]:
        """Return the letters of the first and the last column, and the last row (or nothing). Raise NodeError."""
        start, end = (_CORNER.match(each) for each in self.corners())
        if start is None or end is None:
            raise NodeError(
                "Cannot read properties of undefined (reading 'match')",
                description=f"The range '{self.text}' needs two corners, as in A1:F100.",
            )
        return start[1], end[1], end[2]


@dataclass(frozen=True)
class _Settings:
    """The parameters of an operation on a range, by the first item."""

    range: _Range
    key_row: int
    """The row of the names, from 0."""
    data_row: int
    options: Mapping[str, Any]

    @classmethod
    def of(cls, scope: Scope) -> "_Settings":
        names = scope.names
        options, range_ = names["options"], names["range"]
        if range_ is None or range_ is UNDEFINED:
            raise unreadable(range_, "includes")
        if not isinstance(range_, str):
            raise NodeError("range.includes is not a function", description="The range is no text, as in A1:F100.")
        return cls(
            _Range(range_), _number(names["keyRow"], 0), _number(names["dataStartRow"], 1),
            options if isinstance(options, Mapping) else {},
        )  # fmt: skip

    @property
    def rendering(self) -> dict[str, str]:
        return {"valueRenderOption": self.options.get("valueRenderMode") or "UNFORMATTED_VALUE"}

    @property
    def input_option(self) -> str:
        return js_string(self.options.get("valueInputMode") or "RAW")


def _number(value: Any, default: int) -> int:
    number = default if value is UNDEFINED or value is None else js_number(value)
    return int(number) if isfinite(number) else default


def _book(run: Run, scope: Scope) -> Spreadsheet:
    return Spreadsheet(run, scope, scope.parameters.get("sheetId", UNDEFINED))


def _own(run: Run) -> Items:
    return [{**item, "pairedItem": {"item": i}} for i, item in enumerate(run.items)]


async def append_range(run: Run) -> Items:
    """Add the items as rows behind a range."""
    scope = await run.scope(0)
    settings = _Settings.of(scope)
    await _append(_book(run, scope), settings, [item["json"] for item in run.items], settings.rendering)
    return _own(run)


async def _append(book: Spreadsheet, settings: _Settings, values: list[Any], rendering: dict[str, str]) -> None:
    header = await book.get(settings.range.row_to_append(settings.key_row + 1), rendering)
    if not header:
        raise NodeError("The range has no row with the names of the columns")
    names, by_path = [js_string(each) for each in header[0]], bool(settings.options.get("usePathForKeyRow"))
    rows = [[_text(_member(each, name, by_path=by_path)) for name in names] for each in values]
    await book.append(settings.range.text, rows, settings.input_option)


def _member(value: Any, name: str, *, by_path: bool) -> Any:
    if not by_path:
        return value.get(name)
    for part in name.split("."):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return js_string(json_stringify(value) if isinstance(value, dict | list) else value)


async def clear_range(run: Run) -> Items:
    """Remove the values of a range."""
    scope = await run.scope(0)
    range_ = _Settings.of(scope).range.text
    await _book(run, scope).clear(range_, range_)
    return _own(run)


async def read_range(run: Run) -> Items:
    """Return the rows of a range, or all of it in one item."""
    scope = await run.scope(0)
    settings = _Settings.of(scope)
    rows = await _book(run, scope).get(settings.range.text, settings.rendering)
    if truthy(scope.names["rawData"]):
        return [{"json": {_data_property(scope): rows}, "pairedItem": {"item": 0}}]
    return [{"json": each, "pairedItem": {"item": 0}} for each in _objects(rows, settings)]


def _data_property(scope: Scope) -> str:
    """Return the member that raw data is in. Raise NodeError where the parameter is not shown."""
    if scope.parameters.fact("dataProperty") is None:
        raise NodeError('Could not get parameter "dataProperty"')
    return js_string(scope.names["dataProperty"])


def _objects(rows: Rows, settings: _Settings) -> list[dict[str, Any]]:
    """Return rows as objects; cells that are missing have no member."""
    if len(rows) <= settings.key_row:
        return []
    names = [js_string(each) for each in rows[settings.key_row]]
    made = [_object(names, row) for row in rows[settings.data_row :]]
    return [each for each in made if each]


def _object(names: list[str], row: list[Any]) -> dict[str, Any]:
    return {name: each for name, each in zip(names, row, strict=False) if name != ""}


async def lookup_range(run: Run) -> Items:
    """Return the rows that have a value in a column, for each item's value."""
    scopes = [await run.scope(i) for i in range(len(run.items))]
    settings = _Settings.of(scopes[0])
    rows = await _book(run, scopes[0]).get(settings.range.text, settings.rendering)
    if not rows:
        return []
    if len(rows) <= settings.key_row:
        raise NodeError("The key row does not exist!")
    names = [js_string(each) for each in rows[settings.key_row]]
    every = bool(settings.options.get("returnAllMatches"))
    found: list[dict[str, Any]] = []
    for scope in scopes:
        column, wanted = js_string(scope.names["lookupColumn"]), js_string(scope.names["lookupValue"])
        if column not in names:
            raise NodeError(f'The column "{column}" could not be found!', item=scope.index)
        at = names.index(column)
        matches = [row for row in rows[settings.data_row :] if at < len(row) and js_string(row[at]) == wanted]
        if not every:
            # with several items each gives one, so that the results stay beside their items
            matches = matches[:1] or ([[]] if len(scopes) > 1 else [])
        found += [_object(names, row) for row in matches]
    paired: list[PairedItem] = [{"item": i} for i in range(len(run.items))]
    return [{"json": each, "pairedItem": paired if len(paired) > 1 else paired[0]} for each in found]


async def update_range(run: Run) -> Items:
    """Write the items into the rows that have the same key."""
    return await _write(run, add=False)


async def upsert_range(run: Run) -> Items:
    """Write the items into the rows that have the same key, and add the others."""
    return await _write(run, add=True)


async def _write(run: Run, *, add: bool) -> Items:
    scope = await run.scope(0)
    book, settings = _book(run, scope), _Settings.of(scope)
    if truthy(scope.names["rawData"]):
        property_ = _data_property(scope)
        data = [_raw(settings.range.text, item["json"].get(property_)) for item in run.items]
        await book.put_cells(data, settings.input_option)
        return _own(run)
    data, missing = await _changes(book, settings, js_string(scope.names["key"]), [item["json"] for item in run.items])
    for each in missing if add else []:  # one after the other, as in n8n
        await _append(book, settings, [each], {"valueRenderOption": "UNFORMATTED_VALUE"})
    await book.put_cells(data, settings.input_option)  # also without any, as n8n does
    return _own(run)


def _raw(range_: str, values: Any) -> dict[str, Any]:
    return {"range": range_} if values is None else {"range": range_, "values": values}


async def _changes(
    book: Spreadsheet, settings: _Settings, key: str, values: list[Any]
) -> tuple[list[dict[str, Any]], list[Any]]:  # fmt: skip
    """Return the cells to write, and the items that have no row. Raise NodeError without the column `key`."""
    first, _, last_row = settings.range.bounds()
    header = await book.get(settings.range.row(settings.key_row + 1), settings.rendering)
    names = [js_string(each) for each in header[0]] if header else []
    if key not in names:
        raise NodeError(f'Could not find column for key "{key}"!')
    offset = column_number(first.upper()) - 1
    letters = column_letters(offset + names.index(key))
    sheet = settings.range.sheet
    keys = await book.get(f"{sheet}{letters}{max(settings.data_row, 1)}:{letters}{last_row}", settings.rendering)
    if not keys:
        raise NodeError("Could not retrieve the key column!")
    places: dict[str, int] = {}
    for number, row in enumerate(keys[1:], settings.data_row + 1):  # the row before the data is read, too
        if not is_blank(row):
            places.setdefault(js_string(row[0]), number)
    data, missing = list[dict[str, Any]](), list[Any]()
    for each in values:
        place = places.get(js_string(each[key])) if each.get(key) is not None else None
        if place is None:
            missing.append(each)
            continue
        data += [
            {"range": f"{sheet}{column_letters(offset + i)}{place}", "values": [[cell(each[name])]]}
            for i, name in enumerate(names)
            if name != key and each.get(name) is not None
        ]
    return data, missing
