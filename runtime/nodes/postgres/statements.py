"""The statements of Postgres' operations, and the rows that they take, as n8n writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.contract import NodeError
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json

__all__ = ["ColumnInfo", "Statement", "check_row", "conditions", "delete", "insert", "row_exists", "select", "update"]

_CONDITIONS: Final = {
    "equal": "=",
    **{each: each for each in ("=", "!=", "LIKE", ">", "<", ">=", "<=", "IS NULL", "IS NOT NULL")},
}
_WITHOUT_VALUE: Final = ("IS NULL", "IS NOT NULL")


@dataclass
class Statement:
    """A text with variables, and their values in order."""

    text: str
    values: list[Any] = field(default_factory=list)
    quoted_is_text: bool = False

    def add(self, *values: Any) -> list[str]:
        """Append values; return their variables."""
        first = len(self.values) + 1
        self.values += values
        return [f"${first + i}" for i in range(len(values))]


@dataclass(frozen=True)
class ColumnInfo:
    """A column of a table as the server describes it."""

    type: str
    nullable: bool


def _table(verb: str, schema: str, table: str) -> Statement:
    return Statement(f"{verb}$1:name.$2:name", [schema, table])


def conditions(entries: Sequence[Mapping[str, Any]], combine: str, statement: Statement) -> None:
    """Add a WHERE clause. Raises NodeError for a condition that does not exist."""
    clauses = []
    for entry in entries:
        condition = _CONDITIONS.get(str(entry.get("condition") or "equal"))
        if condition is None:
            raise NodeError("Invalid where clause")
        (column,) = statement.add(entry.get("column"))
        if condition in _WITHOUT_VALUE:
            clauses.append(f"{column}:name {condition}")
        else:
            (value,) = statement.add(entry.get("value", ""))
            clauses.append(f"{column}:name {condition} {value}")
    if clauses:
        statement.text += f" WHERE {f' {combine} '.join(clauses)}"


def select(
    schema: str,
    table: str,
    *,
    columns: Sequence[str],
    where: Sequence[Mapping[str, Any]],
    combine: str,
    sort: Sequence[Mapping[str, Any]],
    limit: float | None,
) -> Statement:
    """Return a SELECT; `limit` None: all rows."""
    statement = Statement("", [schema, table])
    chosen = "*" if not columns or "*" in columns else f"{statement.add(list(columns))[0]}:name"
    statement.text = f"SELECT {chosen} FROM $1:name.$2:name"
    conditions(where, combine, statement)
    order = [
        f"{statement.add(entry.get('column'))[0]}:name {'DESC' if entry.get('direction') == 'DESC' else 'ASC'}"
        for entry in sort
    ]
    if order:
        statement.text += f" ORDER BY {', '.join(order)}"
    if limit is not None:
        statement.text += f" LIMIT {statement.add(limit)[0]}"
    return statement


def insert(
    schema: str,
    table: str,
    row: Mapping[str, Any],
    *,
    skip: bool = False,
    match: Sequence[str] | None = None,
    returning: Sequence[str] = (),
) -> Statement:
    """Return an INSERT; `skip`: not of a row that conflicts; `match`: one that is there by these columns is updated instead."""
    statement = _table("INSERT INTO ", schema, table)
    conflict = statement.add(list(match))[0] if match is not None else ""
    if row:
        (columns,) = statement.add(dict(row))
        statement.text += f"({columns}:name) VALUES({columns}:csv)"
    else:
        statement.text += " DEFAULT VALUES"
    if skip:
        statement.text += " ON CONFLICT DO NOTHING"
    if match is not None:
        changed = [name for name in row if name not in match]
        assignments = ", ".join(_assignment(statement, name, row[name]) for name in changed)
        statement.text += f" ON CONFLICT ({conflict}:name) DO UPDATE  SET {assignments}"
    return _returning(statement, returning)


def update(
    schema: str, table: str, row: Mapping[str, Any], match: Sequence[str], *, returning: Sequence[str] = ()
) -> Statement:
    """Return an UPDATE of the rows that have the values of the columns `match`."""
    statement = _table("UPDATE ", schema, table)
    where = _matches(statement, row, match)
    statement.text += f" SET {', '.join(_assignment(statement, name, row[name]) for name in row if name not in match)}"
    statement.text += f" WHERE {where}"
    return _returning(statement, returning)


def row_exists(schema: str, table: str, row: Mapping[str, Any], match: Sequence[str]) -> Statement:
    """Return a SELECT that says whether the row to update exists (`t` or `f`)."""
    statement = _table("SELECT EXISTS(SELECT 1 FROM ", schema, table)
    statement.text += f" WHERE {_matches(statement, row, match)})"
    return statement


def delete(schema: str, table: str, command: str, *, cascade: bool, restart: bool) -> Statement:
    """Return TRUNCATE, DELETE (without its conditions) or DROP."""
    if command == "delete":
        return _table("DELETE FROM ", schema, table)
    statement = _table("DROP TABLE IF EXISTS " if command == "drop" else "TRUNCATE TABLE ", schema, table)
    if command != "drop" and restart:
        statement.text += " RESTART IDENTITY"
    if cascade:
        statement.text += " CASCADE"
    return statement


def _matches(statement: Statement, row: Mapping[str, Any], match: Sequence[str]) -> str:
    clauses = []
    for name in match:
        column, value = statement.add(name, row.get(name))
        clauses.append(f"{column}:name = {value}")
    return " AND ".join(clauses)


def _assignment(statement: Statement, name: str, value: Any) -> str:
    column, new = statement.add(name, value)
    return f"{column}:name = {new}"


def _returning(statement: Statement, columns: Sequence[str]) -> Statement:
    chosen = "*" if not columns or "*" in columns else f"{statement.add(list(columns))[0]}:name"
    statement.text += f" RETURNING {chosen}"
    return statement


def check_row(row: Mapping[str, Any], columns: Mapping[str, ColumnInfo]) -> dict[str, Any]:
    """Return a row as the columns of its table take it. Raises NodeError: a column is not there, or may not be null."""
    ready = {}
    for name, value in row.items():
        column = columns.get(name)
        if column is None:
            raise NodeError(f"Column '{name}' does not exist in selected table")
        if value is None and not column.nullable:
            raise NodeError(f"Column '{name}' is not nullable")
        ready[name] = _as_array(value) if column.type == "ARRAY" else value
    return ready


def _as_array(value: Any) -> Any:
    """Return the text of an array column: n8n takes a list, or JSON of one."""
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except NotJsonError as error:
            raise NodeError(error.message) from error
    return f"{{{','.join(map(_element, value))}}}" if isinstance(value, list) else value


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"{{{','.join(map(_element, value))}}}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return js_string(value)
