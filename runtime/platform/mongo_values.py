"""Documents of MongoDB and their JSON, as n8n has them: what it writes of a number, and what it shows of a type that JSON has not."""

import base64
import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, Final

from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import UUID_SUBTYPE

from schemas.documents import DocumentDate, DocumentId
from schemas.sql import DatabaseError

__all__ = ["to_bson", "to_json"]

_MAX_DEPTH: Final = 100
"""Levels of a document: as many as MongoDB takes."""
_INT32: Final = 1 << 31
_SAFE: Final = (1 << 53) - 1
_DIGITS: Final = 24
_YEARS: Final = range(1, 10_000)


def to_bson(value: Any, depth: int = 0) -> Any:
    """Return what is stored of a value. A number is JavaScript's: whole within 32 bits, else a double. Raise DatabaseError."""
    if depth > _MAX_DEPTH:
        raise DatabaseError(f"A document may have at most {_MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {str(key): to_bson(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [to_bson(each, depth + 1) for each in value]
    if isinstance(value, DocumentId):
        return _object_id(value.digits)
    if isinstance(value, DocumentDate):
        return DatetimeMS(value.milliseconds or 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        number = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    return int(number) if number.is_integer() and -_INT32 <= number < _INT32 else number


def _object_id(digits: str) -> ObjectId:
    if len(digits) != _DIGITS or not ObjectId.is_valid(digits):
        raise DatabaseError("input must be a 24 character hex string, 12 byte Uint8Array, or an integer")
    return ObjectId(digits)


def to_json(value: Any, depth: int = 0) -> Any:
    """Return the JSON of what a document holds. Raise DatabaseError for one that has too many levels."""
    if depth > _MAX_DEPTH:
        raise DatabaseError(f"A document of the server has more than {_MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {str(key): to_json(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [to_json(each, depth + 1) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Int64 | int):
        return int(value) if abs(value) <= _SAFE else _long(int(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _special(value, depth)


def _long(value: int) -> dict[str, Any]:
    """Return the parts of a number of 64 bits that JavaScript cannot hold."""
    low, high = value & 0xFFFFFFFF, (value >> 32) & 0xFFFFFFFF
    return {"low": low - (1 << 32) * (low >= _INT32), "high": high - (1 << 32) * (high >= _INT32), "unsigned": False}


def _special(value: Any, depth: int) -> Any:
    if isinstance(value, Code):
        scope = {} if value.scope is None else {"scope": to_json(value.scope, depth + 1)}
        return {"code": str(value), **scope}
    if isinstance(value, str | ObjectId):
        return str(value)
    if isinstance(value, DatetimeMS):
        return _date(int(value))
    if isinstance(value, Decimal128):
        return {"$numberDecimal": str(value)}
    if isinstance(value, Timestamp):
        return {"$timestamp": str((value.time << 32) + value.inc)}
    if isinstance(value, Binary) and value.subtype == UUID_SUBTYPE:
        return str(value.as_uuid())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, DBRef):
        return to_json(dict(value.as_doc()), depth + 1)
    if isinstance(value, Regex | MinKey | MaxKey):
        return {}
    raise DatabaseError(f"A value of the type {type(value).__name__} is not supported")


def _date(milliseconds: int) -> str | None:
    """Return the ISO text of a date, None for one that JavaScript counts as invalid here: its year has not four digits."""
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z".zfill(24) if moment.year in _YEARS else None
