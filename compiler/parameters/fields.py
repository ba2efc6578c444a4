"""Derive from a parameter's annotation which values it takes."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from schemas.node import Node, declarations


@dataclass(frozen=True)
class ParameterType:
    """JSON types and options of a constant. `options` is empty if any value of the types is valid; no types: anything."""

    types: frozenset[type] = frozenset()
    options: tuple[Any, ...] = ()

    def takes(self, value: Any) -> bool:
        """Return whether the value has one of the JSON types."""
        if not self.types or value is None:
            return True
        if isinstance(value, bool):
            return bool in self.types
        if isinstance(value, int | float):
            return bool(self.types & {int, float})
        return type(value) in self.types

    @property
    def words(self) -> str:
        """The types in words, for messages."""
        names = {
            str: "a string",
            bool: "true or false",
            int: "a number",
            float: "a number",
            list: "a list",
            dict: "an object",
        }
        return " or ".join(dict.fromkeys(names[each] for each in sorted(self.types, key=list(names).index)))


@cache
def expectation(node: type[Node], name: str) -> ParameterType:
    """Return what values the field of this name takes."""
    declared = declarations(node)[name]
    return any_of(list(_alternatives(declared.field.annotation)))


def any_of(parts: list[ParameterType]) -> ParameterType:
    """Return the expectation that is met by every value that meets one of `parts`."""
    if any(not each.types for each in parts):
        return ParameterType()
    closed = all(each.options for each in parts)
    options = tuple(dict.fromkeys(option for each in parts for option in each.options))
    return ParameterType(frozenset().union(*(each.types for each in parts)), options if closed else ())


def _alternatives(annotation: Any) -> Iterator[ParameterType]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for each in get_args(annotation):
            if each is not type(None):
                yield from _alternatives(each)
    elif origin is Literal:
        options = get_args(annotation)
        yield ParameterType(frozenset(type(each) for each in options), options)
    else:
        json_types = {str: str, bool: bool, int: int, float: float, list: list, dict: dict, tuple: list}
        plain = origin or annotation
        if isinstance(plain, type) and issubclass(plain, dict):
            plain = dict  # a TypedDict
        yield ParameterType(frozenset({json_types[plain]})) if plain in json_types else ParameterType()
