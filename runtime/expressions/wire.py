"""Requests to the kernel and its answers, as JSON. See the top of kernel.js for their shape."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from runtime.expressions.evaluator import ScriptEvaluator
from runtime.expressions.scope import ExpressionError
from runtime.values.javascript import BigInt, DateTimeText
from schemas.expression import Script
from schemas.item import UNDEFINED

__all__ = ["call"]

_ODD = "\u0000"
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
) -> tuple[list[list[Any]], dict[str, str] | None]:
    """A column per script for `count` items from `first` on, and the custom data if a script changed it.

    `apart` runs them in the child process. Raises ScriptLimit.
    """
    request = {
        "copies": [script.writes for script in scripts],
        "first": first,
        "count": count,
        "seed": int(data["seed"]) & 0x7FFFFFFF,
        "snapshot": data,
    }
    answer = _loads(evaluator([script.source for script in scripts], _dumps(request), seconds, apart=apart))
    return [[_cell(cell) for cell in column] for column in answer["columns"]], answer.get("custom")


def _dumps(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, separators=(",", ":"))


def _loads(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):  # lone surrogates
        value = json.loads(text)
    return value


def _cell(cell: Any) -> Any:
    """A cell of the answer as a Python value."""
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
            return _odd(cell)


def _odd(cell: Sequence[Any]) -> Any:
    match cell:
        case [2, name]:
            return _NUMBERS[name]
        case [3, digits]:
            return BigInt(digits)
        case [5, text]:
            return DateTimeText(text)
    return _restored(cell[1])


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get(_ODD), list):
            return _odd(value[_ODD])
        return {key: _restored(each) for key, each in value.items()}
    return [_restored(each) for each in value] if isinstance(value, list) else value
