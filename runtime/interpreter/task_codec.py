"""Tasks on the wire: how values that JSON does not know (undefined, a failed expression) are written and read back."""

from collections.abc import Sequence
from typing import Any

from runtime.expressions.scope import ExpressionError
from runtime.values.javascript import DateTimeText, NullObject, ObjectText, ShownObject
from runtime.values.undefined import marked, unmarked
from schemas.item import UNDEFINED

Columns = list[list[Any]]
Open = list[list[Any] | None]
"""Columns with null where a script is still to be evaluated."""

_UNDEFINED = {"$tempor8": "undefined"}


def encode(columns: Sequence[Sequence[Any] | None], *, undefined: bool = False) -> Open:
    """Columns as JSON. `undefined`: members of values may be undefined."""
    write = _deep_cell if undefined else _cell
    return [None if column is None else [write(cell) for cell in column] for column in columns]


def _deep_cell(cell: Any) -> Any:
    if isinstance(cell, dict | list) and not isinstance(cell, ShownObject):
        return {"$tempor8": "marked", "value": marked(cell)}
    return _cell(cell)


def _cell(cell: Any) -> Any:
    if cell is UNDEFINED:
        return _UNDEFINED
    if isinstance(cell, ExpressionError):
        return {"$tempor8": "error", "message": cell.message, "description": cell.description}
    if isinstance(cell, DateTimeText):
        return {"$tempor8": "date", "value": str(cell)}
    if isinstance(cell, ObjectText):
        return {"$tempor8": "object", "value": str(cell), "number": cell.number, "shown": cell.shown}
    if isinstance(cell, NullObject):
        return {"$tempor8": "null object", "shown": cell.shown}
    if isinstance(cell, ShownObject):
        return {"$tempor8": "shown object", "value": dict(cell), "shown": cell.shown}
    if isinstance(cell, dict) and "$tempor8" in cell:
        return {"$tempor8": "value", "value": cell}
    return cell


def decode(columns: Sequence[Sequence[Any] | None]) -> Open:
    """The columns that `encode` wrote."""
    return [None if column is None else [_read(cell) for cell in column] for column in columns]


def _read(cell: Any) -> Any:
    if isinstance(cell, dict) and "$tempor8" in cell:
        if cell["$tempor8"] == "undefined":
            return UNDEFINED
        if cell["$tempor8"] == "value":
            return cell["value"]
        if cell["$tempor8"] == "date":
            return DateTimeText(cell["value"])
        if cell["$tempor8"] == "object":
            return ObjectText(cell["value"], cell["number"], cell["shown"])
        if cell["$tempor8"] == "marked":
            return unmarked(cell["value"])
        if cell["$tempor8"] == "null object":
            return NullObject(cell["shown"])
        if cell["$tempor8"] == "shown object":
            return ShownObject(cell["value"], cell["shown"])
        return ExpressionError(cell["message"], description=cell["description"])
    return cell
