"""JSON as bytes, as payloads have it: with orjson, and with the slower standard library where orjson refuses."""

import contextlib
import json
import math
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Any, Final, cast

import orjson
from pydantic import BaseModel, TypeAdapter

from runtime.values.undefined import without_undefined
from schemas.item import UNDEFINED

__all__ = ["MAX_DOCUMENT_DEPTH", "DepthError", "adapter", "dumps", "dumps_within_depth", "is_deeper", "loads"]

MAX_DOCUMENT_DEPTH: Final = 240
"""Levels of nesting that a document may have: a few less than orjson and pydantic write."""
_WRITER_DEPTH: Final = 254
"""Levels that orjson and pydantic write."""


class DepthError(ValueError):
    """A value is nested deeper than the levels that it may have."""


def dumps(value: Any) -> bytes:
    """Return a value as JSON bytes, keys in their order. NaN and infinities become null and members that are undefined are
    gone, as in JSON.stringify.

    What orjson refuses (integers over 64 bits, lone surrogates from JavaScript strings) goes the slower way.

    Raises:
        TypeError: something that is not JSON, a pydantic model or a dataclass.
    """
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        return _dumps_slowly(without_undefined(value))


def dumps_within_depth(value: Any, levels: int = MAX_DOCUMENT_DEPTH) -> bytes:
    """Return a value as `dumps` does.

    Raises:
        DepthError: it has more than so many levels of lists and objects; `levels` is at most MAX_DOCUMENT_DEPTH.
        TypeError: see `dumps`.
    """
    margin = _WRITER_DEPTH - levels
    wrapped = value
    for _ in range(margin):  # so that the writer's limit becomes ours, without a walk in Python
        wrapped = [wrapped]
    try:
        return orjson.dumps(wrapped, default=_plain, option=orjson.OPT_NON_STR_KEYS)[margin:-margin]
    except orjson.JSONEncodeError as error:
        if is_deeper(value, levels):
            raise DepthError(f"nested deeper than {levels} levels") from error
        return _dumps_slowly(without_undefined(value))


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether a value has more levels of lists and objects than this.

    What orjson writes with as many levels around it as are missing to its limit is not deeper. The rest is walked level by level,
    without recursion.
    """
    wrapped = value
    for _ in range(max(0, _WRITER_DEPTH - levels)):
        wrapped = [wrapped]
    with contextlib.suppress(orjson.JSONEncodeError):
        orjson.dumps(wrapped, option=orjson.OPT_NON_STR_KEYS)
        return False
    level = [value]
    for _ in range(levels):
        level = [member for each in level for member in _containers(each)]
        if not level:
            return False
    return any(isinstance(each, dict | list | tuple | BaseModel) for each in level)


def loads(data: bytes) -> Any:
    """Return the value of JSON bytes.

    Raises:
        ValueError: not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def _dumps_slowly(value: Any) -> bytes:
    try:
        return json.dumps(value, default=_plain, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:  # NaN or an infinity
        return json.dumps(_finite(value), default=_plain, separators=(",", ":")).encode()


def _containers(value: Any) -> list[Any]:
    members: Any = vars(value) if isinstance(value, BaseModel) else value
    members = members.values() if isinstance(members, dict) else members
    if not isinstance(members, Iterable) or isinstance(members, str | bytes):
        return []
    return [each for each in members if isinstance(each, dict | list | tuple | BaseModel)]


def _finite(value: Any) -> Any:
    """Return a value with null for NaN and infinities, as orjson writes them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    if value is UNDEFINED:
        raise TypeError("undefined is not JSON")  # it is taken out, and the value written again
    if isinstance(value, orjson.Fragment):  # orjson itself writes it as it is
        return loads(value.contents if isinstance(value.contents, bytes) else value.contents.encode())
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return adapter(cast("Hashable", type(value))).dump_python(value, mode="json")


@lru_cache(maxsize=512)
def adapter(hint: Hashable) -> TypeAdapter[Any]:
    """Return the validator and writer of a type."""
    return TypeAdapter(cast("type[Any]", hint))
