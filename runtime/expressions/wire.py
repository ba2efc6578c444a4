"""Encode requests to the kernel and decode its responses, as JSON. See the top of kernel.js for their shape."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.scope import ExpressionError
from runtime.values.javascript import BigInt, DateTimeText, NullObject, ObjectText, ShownObject
from runtime.values.json_bytes import is_deeper
from runtime.values.undefined import cells_without_undefined, without_undefined
from schemas.expression import Script
from schemas.item import MAX_NESTING, UNDEFINED

__all__ = ["call"]

_TAG = "\u0000"
"""Key of an object inside a value that stands for a value which JSON does not have: {_TAG: [kind, text]}."""
_CELL_LEVELS = 3
"""Levels around a value: the columns, a column, the cell."""
_TOO_DEEP = f"The expression gives a value that is nested deeper than {MAX_NESTING} levels"
_FLATTEN = "Flatten the data, or pass the deep part as text (JSON.stringify)."
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def call(
    evaluator: ScriptEvaluator,
    scripts: Sequence[Script],
    data: Mapping[str, Any],
    first: int,
    count: int,
    seconds: float,
    *,
    apart: bool,
    final: bool,
    keep_undefined: Callable[[], bool] = lambda: False,
) -> tuple[list[list[Any]], dict[str, str] | None]:
    """Return a column per script for `count` items from `first` on, and the custom data if a script changed it.

    `apart` and `final`: see `ScriptEvaluator`. `keep_undefined`, which is asked only where there are such: whether members of
    values may be UNDEFINED. Raise ScriptLimit.
    """
    request = {
        "copies": [script.writes for script in scripts],
        "first": first,
        "count": count,
        "seed": int(data["seed"]) & 0x7FFFFFFF,
        "snapshot": data,
    }
    if data.get("undefined"):
        request["undefined"] = True
    sources = [*(script.source for script in scripts), *data.get("programs", ())]
    response = _loads(evaluator(sources, _dumps(request), seconds, apart=apart, final=final))
    columns = response["columns"]
    if is_deeper(columns, MAX_NESTING + _CELL_LEVELS):
        columns = [[_shallow(cell) for cell in column] for column in columns]
    made = [[_cell(cell) for cell in column] for column in columns]
    if response.get("undefined") and not keep_undefined():
        return [column or [] for column in cells_without_undefined(made)], response.get("custom")
    return made, response.get("custom")


def _dumps(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, separators=(",", ":"))


def _loads(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):  # lone surrogates, or more levels than orjson reads
        try:
            value = json.loads(text)
        except RecursionError:
            raise ExpressionError(_TOO_DEEP, description=_FLATTEN) from None
    return value


def _shallow(cell: Any) -> Any:
    """Return a cell, or the error of one that is nested deeper than an item may be."""
    if is_deeper(cell, MAX_NESTING + 1):
        return [9, _TOO_DEEP, _FLATTEN]
    return cell


def _cell(cell: Any) -> Any:
    """Return a cell of the response as a Python value."""
    if cell.__class__ is not list:
        return cell
    match cell:
        case [0, value]:
            return value
        case [1]:
            return UNDEFINED
        case [9, message, description]:
            return ExpressionError(message, description=description)
        case _:
            return _tagged(cell)


def _tagged(cell: Sequence[Any]) -> Any:
    match cell:
        case [1]:
            return UNDEFINED
        case [2, name]:
            return _NUMBERS[name]
        case [3, digits]:
            return BigInt(digits)
        case [5, text]:
            return DateTimeText(text)
        case [6, text, number, shown]:
            return NullObject(shown) if text is None else ObjectText(text, number, shown)
        case [7, members, shown]:
            return ShownObject(without_undefined(_restored(members)), shown)
    return _restored(cell[1])


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get(_TAG), list):
            return _tagged(value[_TAG])
        return {key: _restored(each) for key, each in value.items()}
    return [_restored(each) for each in value] if isinstance(value, list) else value
