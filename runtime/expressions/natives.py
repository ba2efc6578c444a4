"""Properties of JavaScript values that are not in the data: length, characters and methods."""

from typing import Any

from schemas.item import UNDEFINED

__all__ = ["Function", "member"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OBJECT = _words("hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf")
_NUMBER = _OBJECT | _words("toExponential toFixed toPrecision")
_STRING = _OBJECT | _words(
    "anchor at big blink bold charAt charCodeAt codePointAt concat endsWith fixed fontcolor fontsize includes indexOf "
    "isWellFormed italics lastIndexOf link localeCompare match matchAll normalize padEnd padStart repeat replace "
    "replaceAll search slice small split startsWith strike sub substr substring sup toLocaleLowerCase "
    "toLocaleUpperCase toLowerCase toUpperCase toWellFormed trim trimEnd trimLeft trimRight trimStart"
)
_ARRAY = _OBJECT | _words(
    "at concat copyWithin entries every fill filter find findIndex findLast findLastIndex flat flatMap forEach "
    "includes indexOf join keys lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice "
    "toReversed toSorted toSpliced unshift values with"
)
_FUNCTION = _OBJECT | {"apply", "bind", "call"}
_ALIASES = {"trimLeft": "trimStart", "trimRight": "trimEnd"}


class Function:
    """A method that an expression names and does not call. n8n cannot return it; a template prints it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = _ALIASES.get(name, name)

    def __str__(self) -> str:
        return f"function {self.name}() {{ [native code] }}"


def member(value: Any, key: str | int) -> Any:
    """Return `value[key]` as JavaScript reads it; UNDEFINED where that would be a TypeError, since n8n swallows those."""
    if isinstance(value, dict):
        name = key if isinstance(key, str) else str(key)
        if name in value:
            return value[name]
        return Function(name) if name in _OBJECT else UNDEFINED
    if isinstance(value, list):
        return _of_array(value, key)
    if isinstance(value, str):
        return _of_string(value, key)
    if value is None or value is UNDEFINED:
        return UNDEFINED
    if isinstance(value, Function):
        return value.name if key == "name" else Function(str(key)) if key in _FUNCTION else UNDEFINED
    names = _OBJECT if isinstance(value, bool) else _NUMBER
    return Function(str(key)) if key in names else UNDEFINED


def _index(key: str | int) -> int | None:
    if isinstance(key, int):
        return key
    return int(key) if key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") else None


def _of_array(value: list[Any], key: str | int) -> Any:
    index = _index(key)
    if index is not None:
        return value[index] if index < len(value) else UNDEFINED
    if key == "length":
        return len(value)
    return Function(str(key)) if key in _ARRAY else UNDEFINED


def _of_string(value: str, key: str | int) -> Any:
    index = _index(key)
    if index is None and key != "length":
        return Function(str(key)) if key in _STRING else UNDEFINED
    if value.isascii():
        return len(value) if index is None else value[index] if index < len(value) else UNDEFINED
    units = value.encode("utf-16-le", "surrogatepass")
    if index is None:
        return len(units) // 2
    unit = units[2 * index : 2 * index + 2]
    return unit.decode("utf-16-le", "surrogatepass") if unit else UNDEFINED
