"""Field types as n8n checks and converts them (Edit Fields, filters, sub-workflow inputs)."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runtime.values.dates import Instant, parse_date
from runtime.values.javascript import DateTimeText, NullObject, ObjectText, js_number, js_string, json_stringify
from runtime.values.json_text import NotJsonError, parse_json, parse_object_literal
from schemas.item import UNDEFINED

__all__ = ["ValidationResult", "as_text", "validate_field"]

_TIME: Final = re.compile(r"\d{2}:\d{2}(?::\d{2})?(?:[-+]\d{4})?(?:[-+]\d{1,2}(?::\d{2})?)?\Z", re.ASCII)
_ALPHANUMERIC: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_URL: Final = re.compile(r"https?://[^\s/?#]+\.[^\s]+\Z|https?://localhost\b\S*\Z", re.IGNORECASE)
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_JWT: Final = re.compile(r"[A-Za-z0-9-_]*\.[A-Za-z0-9-_]*\.[A-Za-z0-9-_]*\Z")
_DATE_HINT: Final = (
    ' <br/><br/> Consider using <a href="https://moment.github.io/luxon/api-docs/index.html#datetimefromformat" '
    'target="_blank"><code>DateTime.fromFormat</code></a> to work with custom date formats.'
)
_BINARY_HINT: Final = ". Make sure the value is a valid binary data object with 'mimeType' and 'data' or 'id' property."


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The outcome of a check: the converted value, or n8n's message."""

    value: Any = UNDEFINED
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    value: Any
    type: str
    strict: bool
    parse_strings: bool
    options: Sequence[Mapping[str, Any]]
    zone: str
    now_ms: float

    def refuse(self, hint: str = "") -> ValidationResult:
        return ValidationResult(error=f"'{self.name}' expects a {self.type} but we got {_describe(self.value)}{hint}")


def validate_field(
    name: str,
    value: Any,
    type_: str,
    *,
    strict: bool = False,
    parse_strings: bool = False,
    options: Sequence[Mapping[str, Any]] = (),
    zone: str = "UTC",
    now_ms: float = 0,
) -> ValidationResult:
    """Check `value` against a field type and convert it, as n8n does; null and undefined are always fine.

    `strict`: no conversion. `parse_strings`: type string converts to text. `options` are those of type options.
    A dateTime gives an `Instant`.
    """
    if value is None or value is UNDEFINED:
        return ValidationResult(value)
    check = _CHECKS.get(type_)
    if check is None:
        return ValidationResult(value)
    if isinstance(value, ObjectText) and type_ in _OF_OBJECTS:
        return _OF_OBJECTS[type_](_Field(name, value, type_, strict, parse_strings, options, zone, now_ms), value)
    return check(_Field(name, value, type_, strict, parse_strings, options, zone, now_ms))


def as_text(value: Any) -> str:
    """Return a value where n8n expects text: objects and arrays as JSON, everything else `String(value)`."""
    if isinstance(value, dict | list | ObjectText | NullObject):
        return json_stringify(value) or ""
    return js_string(value)


def _describe(value: Any) -> str:
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict | ObjectText | NullObject) else f"'{js_string(value)}'"


def _string(field: _Field) -> ValidationResult:
    if field.strict and not isinstance(field.value, str):
        return field.refuse()
    return ValidationResult(as_text(field.value)) if field.parse_strings else ValidationResult(field.value)


def _alphanumeric(field: _Field) -> ValidationResult:
    if _ALPHANUMERIC.match(js_string(field.value)):
        return ValidationResult(field.value)
    return ValidationResult(
        error="Value is not a valid alphanumeric string, only letters, numbers and underscore allowed"
    )


def _number(field: _Field) -> ValidationResult:
    value = field.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        if field.strict or isinstance(value, DateTimeText):  # a DateTime is text to n8n
            return field.refuse()
        value = js_number(value)
    return field.refuse() if math.isnan(value) and not field.strict else ValidationResult(value)


def _boolean(field: _Field) -> ValidationResult:
    value = field.value
    if isinstance(value, bool):
        return ValidationResult(value)
    if field.strict:
        return field.refuse()
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return ValidationResult(value.lower() == "true")
    number = js_number(value)
    blank = isinstance(value, str) and not value.strip()
    return field.refuse() if blank or number not in (0, 1) else ValidationResult(number == 1)


def _array(field: _Field) -> ValidationResult:
    value = field.value
    if isinstance(value, list):
        return ValidationResult(value)
    if field.strict or not isinstance(value, str):
        return field.refuse()
    for text in (value, value.replace("'", '"')):
        try:
            parsed = parse_json(text)
        except NotJsonError:
            continue
        return ValidationResult(parsed) if isinstance(parsed, list) else field.refuse()
    return field.refuse()


def _object(field: _Field) -> ValidationResult:
    value = field.value
    if isinstance(value, dict | NullObject):
        return ValidationResult(value)
    if field.strict or not isinstance(value, str):
        return field.refuse()
    try:
        parsed = parse_object_literal(value)
    except NotJsonError:
        return field.refuse()
    return ValidationResult(parsed) if isinstance(parsed, dict) or parsed is None else field.refuse()


def _date_time(field: _Field) -> ValidationResult:
    value = field.value
    if isinstance(value, Instant):
        return ValidationResult(value)
    instant = parse_date(js_string(value), field.zone, field.now_ms)
    return field.refuse(_DATE_HINT) if instant is None else ValidationResult(instant)


def _time(field: _Field) -> ValidationResult:
    if _TIME.match(js_string(field.value)):
        return ValidationResult(field.value)
    return ValidationResult(error=f"'{field.name}' expects time (hh:mm:(:ss)) but we got {_describe(field.value)}.")


def _options(field: _Field) -> ValidationResult:
    values = [each.get("value") for each in field.options]
    if field.value in values:
        return ValidationResult(field.value)
    listed = ", ".join(js_string(each) for each in values)
    return ValidationResult(
        error=f"'{field.name}' expects one of the following values: [{listed}] but we got {_describe(field.value)}"
    )


def _url(field: _Field) -> ValidationResult:
    text = js_string(field.value)
    full = text if _SCHEME.match(text) else f"https://{text}"
    return (
        ValidationResult(field.value)
        if _URL.match(full)
        else ValidationResult(error=f"'{field.name}' expects a url but we got '{text}'.")
    )


def _jwt(field: _Field) -> ValidationResult:
    return (
        ValidationResult(field.value)
        if _JWT.match(js_string(field.value))
        else ValidationResult(error="Value is not a valid JWT token")
    )


def _binary(field: _Field) -> ValidationResult:
    value = field.value
    if isinstance(value, dict) and value.get("mimeType") and (value.get("data") or value.get("id")):
        return ValidationResult(value)
    return field.refuse(_BINARY_HINT)


_CHECKS: Final[Mapping[str, Callable[[_Field], ValidationResult]]] = {
    "string": _string,
    "string-alphanumeric": _alphanumeric,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
    "dateTime": _date_time,
    "time": _time,
    "options": _options,
    "url": _url,
    "jwt": _jwt,
    "binary": _binary,
    "binaryData": _binary,
}
_OF_OBJECTS: Final[Mapping[str, Callable[[_Field, ObjectText], ValidationResult]]] = {
    "string": lambda field, value: (
        field.refuse() if field.strict else ValidationResult(as_text(value) if field.parse_strings else value)
    ),
    "number": lambda field, value: field.refuse() if field.strict else ValidationResult(value.number),
    "boolean": lambda field, value: (
        field.refuse() if field.strict or value.number not in (0, 1) else ValidationResult(value.number == 1)
    ),
    "array": lambda field, _value: field.refuse(),
    "object": lambda _field, value: ValidationResult(str(value)),
}
FIELD_TYPES: Final = tuple(_CHECKS)
"""The types that are checked; a value of any other is fine."""
