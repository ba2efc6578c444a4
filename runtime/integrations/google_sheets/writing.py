"""What is written into a sheet: its columns, and the cells and rows that items change. Everything here is pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from runtime.contract import NodeError
from runtime.integrations.google_sheets.cells import ROW_NUMBER, Rows, cell, column_letters
from runtime.values.javascript import js_string

__all__ = ["Changes", "Columns", "changes_of", "entries"]

_NEW = "newColumn"
"""What the choice of a column says when the entry names a new one."""


def entries(fields: Any, *, new: bool = False) -> dict[str, Any]:
    """Return the fields of versions before the mapper of columns as an object; with `new` those of new columns alone."""
    groups = fields if isinstance(fields, Mapping) else {}
    made: dict[str, Any] = {}
    for each in groups.get("values") or groups.get("fieldValues") or []:
        column = each.get("column", each.get("fieldId"))
        if new and column != _NEW:
            continue
        made[js_string(each.get("columnName", "") if column == _NEW else column)] = each.get("fieldValue", "")
    return made


@dataclass
class Columns:
    """The names in the header of a sheet, which items may add to."""

    names: list[str]
    grown: bool = False
    """Whether the header has to be written."""

    @classmethod
    def of(cls, rows: Rows, header_row: int) -> Self:
        """Return the columns of a sheet."""
        return cls([js_string(each) for each in rows[header_row - 1]] if len(rows) >= header_row else [])

    def admit(self, values: list[dict[str, Any]], extra: Any) -> list[dict[str, Any]]:
        """Return the values without the row's number; their names become columns. Raise NodeError.

        Args:
            values: an object per item.
            extra: what happens to names that are no columns: None or `insertInNewColumn`, `ignoreIt`, or `error`.
        """
        unknown = dict.fromkeys(name for each in values for name in each if name not in {*self.names, ROW_NUMBER})
        if unknown and extra == "error":
            raise NodeError(
                "Unexpected fields in node input",
                description=f"The sheet has no column {', '.join(unknown)}: add it, or set 'Handling extra fields' to ignore.",
            )
        if unknown and extra != "ignoreIt":
            self.names += unknown
            self.grown = True
        return values


@dataclass
class Changes:
    """What items change in a sheet."""

    cells: list[tuple[str, Any]] = field(default_factory=list)
    """(A1 name, value) of rows that are there."""
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    """The items that no row matches."""


def changes_of(
    rows: Rows, columns: Columns, key: str, values: Iterable[Mapping[str, Any]], *, first_row: int, adds: bool
) -> Changes:
    """Return the cells that items change, and the items that match no row. Raise NodeError without the column `key`, unless rows
    that match none are added.

    Args:
        rows: all rows of the sheet.
        columns: the names of its columns.
        key: the column whose value tells the row; `row_number`: the value is the row, unless rows that match none are added: then
            it is a column like others.
        values: an object per item.
        first_row: the first row with values, from 1.
        adds: whether rows that match none are added.
    """
    if key != ROW_NUMBER and key not in columns.names and not adds:
        raise NodeError(f'Could not find column for key "{key}"')
    by_value: dict[str, int] = {}
    if key in columns.names:
        at = columns.names.index(key)
        for number, row in enumerate(rows[first_row - 1 :], first_row):
            by_value.setdefault(js_string(row[at]) if at < len(row) else "", number)
    changes = Changes()
    for each in values:
        wanted = each.get(key, "undefined" if key == ROW_NUMBER and not adds else None)  # n8n writes into such a row
        if wanted is None or wanted == "":
            changes.unmatched.append(dict(each))
            continue
        row_name = js_string(wanted) if key == ROW_NUMBER and not adds else by_value.get(js_string(wanted))
        if row_name is None:
            changes.unmatched.append(dict(each))
            continue
        for i, name in enumerate(columns.names):
            if name not in (key, ROW_NUMBER) and each.get(name) is not None:
                changes.cells.append((f"{column_letters(i)}{row_name}", cell(each[name])))
    return changes
