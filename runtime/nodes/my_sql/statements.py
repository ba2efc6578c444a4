"""The statements of MySQL's operations, as n8n writes them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.contract import NodeError
from runtime.nodes.my_sql.formatting import identifier, literal
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["delete", "insert", "select", "update", "upsert"]

_CONDITIONS: Final = {
    "equal": "=",
    **{each: each for each in ("=", "!=", "LIKE", ">", "<", ">=", "<=", "IS NULL", "IS NOT NULL")},
}


def select(
    table: str,
    *,
    columns: Sequence[str],
    distinct: bool,
    where: Sequence[Mapping[str, Any]],
    combine: str,
    sort: Sequence[Mapping[str, Any]],
    limit: float | None,
) -> str:
    """Return a SELECT; `limit` None: all rows. Raises NodeError for a condition that does not exist."""
    chosen = "*" if not columns or "*" in columns else ", ".join(map(identifier, columns))
    text = f"SELECT {'DISTINCT ' if distinct else ''}{chosen} FROM {identifier(table)}{_where(where, combine)}"
    order = [
        f"{identifier(js_string(each.get('column')))} {'DESC' if each.get('direction') == 'DESC' else 'ASC'}"
        for each in sort
    ]
    text += f" ORDER BY {', '.join(order)}" if order else ""
    return text if limit is None else f"{text} LIMIT {literal(limit)}"


def insert(table: str, rows: Sequence[Mapping[str, Any]], *, priority: str = "", ignore: bool = False) -> str:
    """Return an INSERT of rows, with the columns that any of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = ",".join(f"({','.join(literal(row.get(name)) for name in names)})" for row in rows)
    word = priority if priority in ("LOW_PRIORITY", "HIGH_PRIORITY") else ""
    columns = ", ".join(map(identifier, names))
    return f"INSERT {word} {'IGNORE' if ignore else ''} INTO {identifier(table)} ({columns}) VALUES {values}"


def update(table: str, row: Mapping[str, Any], match: str, value: Any) -> str:
    """Return an UPDATE of the rows whose column `match` has a value."""
    changes = _assignments({name: each for name, each in row.items() if name != match})
    return f"UPDATE {identifier(table)} SET {changes} WHERE {identifier(match)} = {literal(value)}"


def upsert(table: str, row: Mapping[str, Any], match: str) -> str:
    """Return an INSERT that updates a row which is there already."""
    columns = ", ".join(map(identifier, row))
    values = ",".join(map(literal, row.values()))
    changes = _assignments({name: each for name, each in row.items() if name != match})
    return f"INSERT INTO {identifier(table)}({columns}) VALUES({values}) ON DUPLICATE KEY UPDATE {changes}"


def delete(table: str, command: str, where: Sequence[Mapping[str, Any]], combine: str) -> str:
    """Return TRUNCATE, DELETE or DROP. Raises NodeError for a condition that does not exist."""
    if command == "drop":
        return f"DROP TABLE IF EXISTS {identifier(table)}"
    if command == "delete":
        return f"DELETE FROM {identifier(table)}{_where(where, combine)}"
    return f"TRUNCATE TABLE {identifier(table)}"


def _assignments(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{identifier(name)} = {literal(value)}" for name, value in row.items())


def _where(entries: Sequence[Mapping[str, Any]], combine: str) -> str:
    clauses = []
    for entry in entries:
        condition = _CONDITIONS.get(js_string(entry.get("condition") or "equal"))
        if condition is None:
            raise NodeError("Invalid where clause")
        column = identifier(js_string(entry.get("column", UNDEFINED)))
        value = "" if condition.endswith("NULL") else f" {literal(entry.get('value', ''))}"
        clauses.append(f"{column} {condition}{value}")
    return f" WHERE {f' {combine} '.join(clauses)}" if clauses else ""
