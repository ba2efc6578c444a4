"""Cells, columns and ranges of a sheet, and rows as objects. Everything here is pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from runtime.values.javascript import js_string, json_stringify
from schemas.item import UNDEFINED

__all__ = [
    "ROW_NUMBER", "Rows", "cell", "colour", "column_letters", "column_number", "in_path", "is_blank", "objects", "row_of",
]  # fmt: skip

Rows = list[list[Any]]
"""Rows of cells, as the API gives them: trailing empty cells are missing."""

ROW_NUMBER: Final = "row_number"
"""The column that reading adds, by which a row can be found again."""

_LETTERS: Final = 26


def column_letters(index: int) -> str:
    """Return the letters of a column: 0 is `A`, 26 is `AA`."""
    letters, rest = "", index + 1
    while rest > 0:
        rest, letter = divmod(rest - 1, _LETTERS)
        letters = chr(ord("A") + letter) + letters
    return letters


def column_number(letters: Any) -> int:
    """Return the number of a column, from 1: `A` is 1, `AA` is 27; 0 for what is no text.

    Another character counts by its distance from `A`, as in n8n.
    """
    number = 0
    for each in letters if isinstance(letters, str) else "":
        number = number * _LETTERS + ord(each) - ord("A") + 1
    return number


def in_path(text: str) -> str:
    """Return a range as a part of a URL's path."""
    return quote(text, safe="!:'()*~,$&+@=;[]")


def cell(value: Any, empty: Any = "") -> Any:
    """Return what is written into a cell: objects and lists as JSON, `empty` for null and for what is missing."""
    if value is UNDEFINED or value is None:
        return empty
    return json_stringify(value) if isinstance(value, dict | list) else value


def row_of(values: Mapping[str, Any], columns: Iterable[str], empty: Any = "") -> list[Any]:
    """Return an object as a row of these columns."""
    return [cell(values.get(name), empty) for name in columns]


def is_blank(row: Sequence[Any]) -> bool:
    """Return whether a row has no cell with a value."""
    return all(each is None or each == "" for each in row)


def objects(header: Sequence[Any], rows: Iterable[Sequence[Any]], *, filled: bool) -> list[dict[str, Any]]:
    """Return rows as objects by the names of the header; where they are `filled`, a cell that is missing is an empty text."""
    names = [js_string(each) for each in header]
    return [
        {name: row[i] if i < len(row) else "" for i, name in enumerate(names) if name != "" and (filled or i < len(row))}
        for row in rows
    ]  # fmt: skip


def colour(text: str) -> dict[str, float]:
    """Return a colour like `0aa55c` or `#0aa55c` as the API's fractions of red, green and blue."""
    digits = text.removeprefix("#")
    red, green, blue = (int(digits[i : i + 2] or "0", 16) / 255 for i in (0, 2, 4))
    return {"red": red, "green": green, "blue": blue}
