"""Data tables: rows of typed columns that a tenant keeps between runs, with n8n's conditions, orders and refusals.

Its store loads a table and writes it back; nothing here does I/O.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from runtime.values.javascript import js_string, json_stringify

__all__ = ["Column", "Row", "Table", "TableCondition", "TableError", "moment"]

ColumnType = Literal["string", "number", "boolean", "date"]
Row = dict[str, Any]
"""Values by column name, then `id`, `createdAt`, `updatedAt`."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
SYSTEM: Final[Mapping[str, ColumnType]] = {"id": "number", "createdAt": "date", "updatedAt": "date"}


class TableError(Exception):
    """Raised for what a table refuses, in n8n's words."""


@dataclass(frozen=True)
class Column:
    """A column as its table declares it."""

    name: str
    type: ColumnType

    def __post_init__(self) -> None:
        """Raise TableError for a name or a type that no table can have."""
        if self.type not in get_args(ColumnType):
            raise TableError(f"'{self.type}' is no column type; there are {', '.join(get_args(ColumnType))}")
        if not _NAME.fullmatch(self.name) or self.name in SYSTEM:
            raise TableError(
                f"'{self.name}' cannot be the name of a column: letters, digits and underscores, not first a digit, "
                f"none of {', '.join(SYSTEM)}"
            )


@dataclass(frozen=True)
class TableCondition:
    """One condition of a filter: column, operator, operand as in the parameters."""

    column: str
    operator: str
    value: Any = None


@dataclass
class Table:
    """A table with its rows by id, in the order of their ids; and which of them changed since it was loaded."""

    id: str
    name: str
    columns: Sequence[Column]
    rows: dict[int, Row] = field(default_factory=dict)
    next_id: int = 1
    created_at: str = ""
    updated_at: str = ""
    changed: set[int] = field(default_factory=set)
    """Ids of rows that are new, changed or gone."""

    def insert(self, values: Mapping[str, Any], now: str) -> Row:
        """Insert a row and return it. Raise TableError."""
        checked = self.validate(values)
        row = {column.name: checked.get(column.name) for column in self.columns}
        row |= {"id": self.next_id, "createdAt": now, "updatedAt": now}
        self.rows[self.next_id] = row
        self.changed.add(self.next_id)
        self.next_id += 1
        return row

    def update(self, rows: Iterable[Row], values: Mapping[str, Any], now: str, *, dry: bool = False) -> list[Row]:
        """Return the rows as they are afterwards; `dry` changes nothing. Raise TableError."""
        checked = self.validate(values)
        if not checked:
            raise TableError("Validation error with data table request: Data columns must not be empty")
        after = [row | checked | {"updatedAt": now} for row in rows]
        if not dry:
            for row in after:
                self.rows[row["id"]] = row
                self.changed.add(row["id"])
        return after

    def delete(self, rows: Iterable[Row]) -> None:
        """Delete rows."""
        for row in rows:
            del self.rows[row["id"]]
            self.changed.add(row["id"])

    def clear(self) -> int:
        """Delete all rows and return how many there were."""
        count = len(self.rows)
        self.delete(list(self.rows.values()))
        return count

    def select(self, conditions: Sequence[TableCondition], *, every: bool) -> list[Row]:
        """Return the rows that match `every` condition, or any of them; all rows when there is none.

        Raise TableError.
        """
        types = self._types()
        if missing := [each.column for each in conditions if each.column not in types]:
            named = ", ".join(f'"{name}"' for name in dict.fromkeys(missing))
            raise TableError(
                f"Filter validation failed: Column(s) {named} do not exist in the selected table. This often happens when "
                "switching between tables with different schemas. Please update your filter conditions."
            )
        if not conditions:
            return list(self.rows.values())
        tests = [(each.column, _test(each, types[each.column])) for each in conditions]
        quantifier = all if every else any
        return [row for row in self.rows.values() if quantifier(test(row[column]) for column, test in tests)]

    def ordered(self, rows: list[Row], column: str, *, descending: bool) -> list[Row]:
        """Return the rows by a column; empty values are the least. Raise TableError."""
        if column not in self._types():
            raise TableError("Specified column does not exist")
        return sorted(rows, key=lambda row: (row[column] is not None, row[column]), reverse=descending)

    def validate(self, values: Mapping[str, Any]) -> Row:
        """Return values as the columns store them.

        Raise TableError for an unknown column or a value of another type.
        """
        types = {column.name: column.type for column in self.columns}
        row: Row = {}
        for name, value in values.items():
            if isinstance(value, dict | list):
                raise TableError(f"unexpected object input '{json_stringify(value)}' in row 0")
            if name not in types:
                raise TableError(f"Validation error with data table request: unknown column name '{name}'")
            row[name] = None if value is None else _cast(name, value, types[name])
        return row

    def _types(self) -> dict[str, ColumnType]:
        return {column.name: column.type for column in self.columns} | dict(SYSTEM)


def moment(milliseconds: float) -> str:
    """Return an instant as tables write it: ISO, UTC, three digits."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _cast(name: str, value: Any, type_: ColumnType) -> Any:
    cast = _CASTS[type_](value)
    if cast is None:
        raise TableError(
            f"Validation error with data table request: value '{js_string(value)}' does not match column type "
            f"'{type_}': '{name}' expects a {_EXPECTED[type_]} but we got '{js_string(value)}'{_HINTS.get(type_, '')}"
        )
    return cast


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return int(value) if value == int(value) else value


def _boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
    return bool(value) if value in (0, 1) else None


def _date(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return moment(value)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


_CASTS: Final[Mapping[ColumnType, Callable[[Any], Any]]] = {
    "string": js_string, "number": _number, "boolean": _boolean, "date": _date,
}  # fmt: skip
_EXPECTED: Final[Mapping[ColumnType, str]] = {
    "string": "string", "number": "number", "boolean": "boolean", "date": "dateTime",
}  # fmt: skip
_HINTS: Final[Mapping[ColumnType, str]] = {
    "date": ' <br/><br/> Consider using <a href="https://moment.github.io/luxon/api-docs/index.html#datetimefromformat" '
    'target="_blank"><code>DateTime.fromFormat</code></a> to work with custom date formats.',
}


def _test(condition: TableCondition, type_: ColumnType) -> Callable[[Any], bool]:
    operator, raw = condition.operator, condition.value
    if operator in _UNARY:
        return _UNARY[operator]
    if operator in ("like", "ilike"):
        like = _like(js_string(raw), ignore_case=operator == "ilike")
        return lambda value: value is not None and like(js_string(value))
    if operator not in _BINARY:
        raise TableError(f"'{operator}' is no condition; there are {', '.join((*_BINARY, 'like', 'ilike', *_UNARY))}")
    operand = None if raw is None else _cast(condition.column, raw, type_)
    compare = _BINARY[operator]
    if operator == "neq":
        return lambda value: compare(value, operand)
    return lambda value: value is not None and operand is not None and compare(value, operand)


def _like(pattern: str, *, ignore_case: bool) -> Callable[[str], bool]:
    """Return whether a text matches a pattern in which `%` stands for any text; `_` stands for itself."""
    first, *rest = (pattern.lower() if ignore_case else pattern).split("%")

    def matches(text: str) -> bool:
        text = text.lower() if ignore_case else text
        if not rest:
            return text == first
        if not text.startswith(first) or not text.endswith(rest[-1]):
            return False
        at, end = len(first), len(text) - len(rest[-1])
        for part in rest[:-1]:  # the first place where a part fits leaves the most for the others
            found = text.find(part, at, max(at, end))
            if found < 0:
                return False
            at = found + len(part)
        return at <= end

    return matches


_BINARY: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda value, operand: bool(value == operand),
    "neq": lambda value, operand: bool(value != operand),
    "gt": lambda value, operand: bool(value > operand),
    "gte": lambda value, operand: bool(value >= operand),
    "lt": lambda value, operand: bool(value < operand),
    "lte": lambda value, operand: bool(value <= operand),
}
_UNARY: Final[Mapping[str, Callable[[Any], bool]]] = {
    "isEmpty": lambda value: value is None,
    "isNotEmpty": lambda value: value is not None,
    "isTrue": lambda value: value is True,
    "isFalse": lambda value: value is False,
}
