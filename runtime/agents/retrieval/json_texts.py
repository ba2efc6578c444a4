"""The texts in JSON, as LangChain's JSON loader takes them out: inner texts come again for each container around them. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

MAX_TEXTS: Final = 20_000
"""Of one JSON document: texts deep inside come many times."""


class TooManyTextsError(Exception):
    """A JSON document gives more than MAX_TEXTS texts."""


def texts(value: Any, pointers: Sequence[str] = ()) -> list[str]:
    """Return the texts of a value; with pointers (`/a/b`) those below the keys that they name, at any depth.

    Raise TooManyTextsError.
    """
    paths = [[part for part in pointer.strip().split("/") if part] for pointer in pointers]
    found: list[str] = []
    for text in _pointed(value, [path for path in paths if path]) if any(paths) else _all(value):
        found.append(text)
        if len(found) > MAX_TEXTS:
            raise TooManyTextsError(f"The JSON has more than {MAX_TEXTS} texts")
    return found


def _members(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _flat(value: Any) -> Iterator[str]:
    """Yield the texts of a value, each once."""
    if isinstance(value, str):
        if value:
            yield value
        return
    for member in _members(value):
        yield from _flat(member)


def _all(value: Any) -> Iterator[str]:
    yield from _flat(value)
    for member in _members(value):
        if isinstance(member, dict | list):
            yield from _all(member)


def _pointed(value: Any, paths: list[list[str]]) -> Iterator[str]:
    named = value.items() if isinstance(value, dict) else [("", each) for each in _members(value)]
    for key, member in named:
        rest = [path[1:] for path in paths if path[0] == key]
        if any(not each for each in rest):
            yield from _flat(member)
        elif rest:
            yield from _pointed(member, rest)
        else:
            yield from _pointed(member, paths)
