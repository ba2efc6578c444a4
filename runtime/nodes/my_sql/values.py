"""Values of MySQL as mysql2 gives them to n8n: by the type of the column, from the server's text."""

import struct
from collections.abc import Callable
from typing import Any, Final

from runtime.values.json_text import NotJsonError, parse_json
from schemas.sql import SqlColumn, SqlResult

__all__ = ["acknowledgement", "rows_of"]

_INTEGERS: Final = (1, 2, 3, 8, 9, 13)  # TINY, SHORT, LONG, LONGLONG, INT24, YEAR
_FLOATS: Final = (4, 5)
_DECIMALS: Final = (0, 246)
_DATES: Final = (7, 10, 12)  # TIMESTAMP, DATE, DATETIME
_JSON: Final = 245
_GEOMETRY: Final = 255
_POINT: Final = struct.Struct("<IBIdd")
_SAFE: Final = 2**53

Parser = Callable[[str | bytes], Any]


def rows_of(
    result: SqlResult, *, decimals: bool = False, dates: bool = False, lossy: bool = False
) -> list[dict[str, Any]]:
    """Return the rows as JSON objects; of columns with one name, the last counts.

    `decimals`: DECIMAL as number instead of text. `dates`: dates as a Date's JSON (version 1) instead of the server's text.
    `lossy`: integers that JavaScript cannot hold as the nearest number (version 1) instead of text.
    """
    parsers = [_parser(column, decimals=decimals, dates=dates, lossy=lossy) for column in result.columns]
    names = [column.name for column in result.columns]
    return [
        {name: None if cell is None else parse(cell) for name, parse, cell in zip(names, parsers, row, strict=True)}
        for row in result.rows
    ]


def acknowledgement(result: SqlResult) -> dict[str, Any]:
    """Return mysql2's object for a statement without rows."""
    info = result.message.lstrip("&#(-")
    changed = info.partition("Changed: ")[2].partition(" ")[0]
    return {
        "fieldCount": 0,
        "affectedRows": result.affected,
        "insertId": result.last_id,
        "info": info,
        "serverStatus": 2,
        "warningStatus": result.warnings,
        "changedRows": int(changed) if changed.isdecimal() else 0,
    }


def _parser(column: SqlColumn, *, decimals: bool, dates: bool, lossy: bool) -> Parser:
    if column.type in _INTEGERS:
        return (lambda cell: int(float(cell)) if abs(int(cell)) > _SAFE else int(cell)) if lossy else _integer
    if column.type in _FLOATS or (decimals and column.type in _DECIMALS):
        return _number
    if column.type in _DATES and dates:
        return _date
    if column.type == _JSON:
        return _json
    if column.type == _GEOMETRY:
        return _point
    return _buffer if column.binary else _text


def _text(cell: str | bytes) -> str:
    return cell if isinstance(cell, str) else cell.decode("utf-8", "replace")


def _integer(cell: str | bytes) -> int | str:
    number = int(cell)
    return number if abs(number) < _SAFE else str(number)


def _number(cell: str | bytes) -> float:
    number = float(cell)
    return int(number) if number.is_integer() and abs(number) < _SAFE else number


def _json(cell: str | bytes) -> Any:
    try:
        return parse_json(_text(cell))
    except NotJsonError:
        return _text(cell)


def _date(cell: str | bytes) -> str | None:
    """Return a Date's JSON, in UTC; None for the zero date."""
    text = _text(cell)
    if text.startswith("0000"):
        return None
    day, _, time = text.partition(" ")
    clock, _, fraction = (time or "00:00:00").partition(".")
    return f"{day}T{clock}.{fraction[:3].ljust(3, '0')}Z"


def _buffer(cell: str | bytes) -> dict[str, Any]:
    """Return Node's JSON of a Buffer."""
    return {"type": "Buffer", "data": list(cell if isinstance(cell, bytes) else cell.encode())}


def _point(cell: str | bytes) -> dict[str, Any]:
    if isinstance(cell, bytes) and len(cell) == _POINT.size and cell[4:9] == b"\x01\x01\0\0\0":
        _, _, _, x, y = _POINT.unpack(cell)
        return {"x": _number(str(x)), "y": _number(str(y))}
    return _buffer(cell)
