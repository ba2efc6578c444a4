"""Rows that were read: where they are in a sheet, and which of them match. Everything here is pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from runtime.contract import NodeError
from runtime.integrations.google_sheets.cells import ROW_NUMBER, Rows, is_blank, objects
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["Reading", "Table", "found", "numbered"]

Table = tuple[list[Any], Rows]
"""A header, and the rows below it."""


@dataclass(frozen=True)
class Reading:
    """Which part of a sheet is read."""

    cells: str
    """A range; empty for the whole sheet."""
    header: int
    """The row with the names, from 1 in what was read."""
    first: int
    """The first row with values."""
    detected: bool
    """Whether the rows with values are looked for: those that are blank above them count for neither number."""
    to_blank: bool
    """Whether reading ends at the first row without values; else such rows are left out."""

    @classmethod
    def of(cls, location: Mapping[str, Any]) -> Self:
        """Return what the node's option says."""
        kind = location.get("rangeDefinition") or "detectAutomatically"
        header, first = (int(location.get(name) or 0) for name in ("headerRow", "firstDataRow"))
        specified = kind == "specifyRange"
        return cls(
            js_string(location.get("range") or "") if kind == "specifyRangeA1" else "",
            header or 1 if specified else 1,
            first or 2 if specified else 2,
            kind == "detectAutomatically",
            location.get("readRowsUntil") == "firstEmptyRow" and kind == "detectAutomatically",
        )


def numbered(rows: Rows, reading: Reading) -> Table:
    """Return the header and the rows of what was read, each with its number before it.

    Rows that are detected have all cells and none is blank; those of a range that is given are as the API gives them.
    """
    above = next((i for i, row in enumerate(rows) if not is_blank(row)), len(rows)) if reading.detected else 0
    header_row, first = reading.header + above, reading.first + above
    if len(rows) < header_row:
        return [], []
    header = [ROW_NUMBER, *rows[header_row - 1]]
    width = max((len(each) for each in rows), default=0)
    header += [""] * (width + 1 - len(header))
    kept: Rows = []
    for i, row in enumerate(rows[first - 1 :], first):
        if not is_blank(row) or not reading.detected:
            kept.append([ROW_NUMBER if i == header_row else i, *row])
            if reading.detected:
                kept[-1] += [""] * (width - len(row))
        elif reading.to_blank:
            break
    used = {i for row in kept for i, each in enumerate(row) if each not in (None, "")}
    names = [js_string(each) or (f"col_{i}" if i in used else "") for i, each in enumerate(header)]
    return names, kept


def found(
    table: Table, filters: Sequence[tuple[str, Any]], *, together: bool, every: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the rows as objects that match filters. Raise NodeError when there is no such column.

    Args:
        table: header and rows.
        filters: (column, value); none: all rows match.
        together: whether a row has to match all of them, not one.
        every: whether all rows are wanted; else the first, or the first of each filter where one suffices.
    """
    header, rows = table
    if not filters or not header:
        return objects(header, rows, filled=False)
    names = [js_string(each) for each in header]
    for column, _ in filters:
        if column not in names:
            raise NodeError(f'The column "{column}" could not be found')
    tests = [(names.index(column), _text(value)) for column, value in filters]
    groups = [tests] if together else [[test] for test in tests]
    chosen = dict.fromkeys(i for group in groups for i in _matches(rows, group, every=every))
    return objects(header, [rows[i] for i in chosen], filled=True)


def _matches(rows: Rows, tests: Sequence[tuple[int, str]], *, every: bool) -> Iterator[int]:
    for i, row in enumerate(rows):
        if all(_text(row[at] if at < len(row) else "") == wanted for at, wanted in tests):
            yield i
            if not every:
                return


def _text(value: Any) -> str:
    return "" if value is None or value is UNDEFINED else js_string(value)
