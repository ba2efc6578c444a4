"""Members of a vendor's answer as JavaScript reads them: where n8n's code fails on an answer, a program here fails in the same words."""

from collections.abc import Mapping
from math import isnan
from typing import Any

from runtime.contract import NodeError
from runtime.values.javascript import js_number, js_string, js_typeof
from schemas.item import UNDEFINED

__all__ = [
    "ThrownError",
    "appendable",
    "appended",
    "elements_of",
    "iterated",
    "member_of_answer",
    "no_bytes",
    "received",
    "sliced",
    "spliced",
    "unreadable",
]


class ThrownError(NodeError):
    """An error that n8n's code does not tell, but JavaScript throws."""


def member_of_answer(answer: Any, name: str) -> Any:
    """Return a member of an answer: UNDEFINED when it has none, as of a text. Raise NodeError for null and for no answer."""
    if answer is None or answer is UNDEFINED:
        raise unreadable(answer, name)
    return answer.get(name, UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED


def elements_of(answer: Any, name: str, method: str) -> list[Any]:
    """Return the list that a member of an answer is. Raise NodeError where it is missing, on which n8n's code calls `method`."""
    found = member_of_answer(answer, name)
    if found is None or found is UNDEFINED:
        raise unreadable(found, method)
    return found if isinstance(found, list) else [found]


def appended(answer: Any, name: str) -> list[Any]:
    """Return what a member of an answer adds to a list: nothing when it is missing. Raise NodeError for what is no list."""
    if answer == "":
        answer = UNDEFINED  # n8n makes undefined of an answer without a body
    return appendable(member_of_answer(answer, name))


def appendable(found: Any) -> list[Any]:
    """Return a value as what is added to a list: nothing when there is none. Raise ThrownError for what is no list."""
    if isinstance(found, list):
        return found
    if found is None or found is UNDEFINED or isinstance(found, Mapping):
        return []
    raise ThrownError("CreateListFromArrayLike called on non-object")


def iterated(value: Any, name: str) -> list[Any]:
    """Return what JavaScript iterates over: a list, or the characters of a text. Raise ThrownError with n8n's name of the value."""
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return list(value)
    raise ThrownError(f"{name} is not iterable")


def sliced(value: Any, limit: Any, name: str = "responseData") -> Any:
    """Return `value.slice(0, limit)` of an answer. Raise ThrownError for what has no such method."""
    if value is None or value is UNDEFINED:
        raise unreadable(value, "slice")
    if not isinstance(value, list | str):
        raise ThrownError(f"{name}.slice is not a function")
    number = js_number(limit)
    return value[: 0 if isnan(number) else len(value) if number > len(value) else int(number)]


def spliced(value: Any, limit: Any, name: str = "responseData") -> list[Any]:
    """Return what `value.splice(0, limit)` takes of a list. Raise ThrownError for what has no such method."""
    if value is None or value is UNDEFINED:
        raise unreadable(value, "splice")
    if not isinstance(value, list):
        raise ThrownError(f"{name}.splice is not a function")
    taken: list[Any] = sliced(value, limit, name)
    return taken


def no_bytes(value: Any) -> ThrownError:
    """Return the error for the content of a file that is no text."""
    return ThrownError(
        "The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object. "
        f"Received {received(value)}",
        description="The service answered with success, but without the content of the file.",
    )


def received(value: Any) -> str:
    """Return what Node says of a value of the wrong type that it was given."""
    if value is None or value is UNDEFINED:
        return js_string(value)
    if isinstance(value, list | Mapping):
        return f"an instance of {'Array' if isinstance(value, list) else 'Object'}"
    return f"type {js_typeof(value)} ({js_string(value)})"


def unreadable(value: Any, name: str, item: int | None = None) -> ThrownError:
    """Return the error for a member of what is null or undefined."""
    kind = "null" if value is None else "undefined"
    return ThrownError(
        f"Cannot read properties of {kind} (reading '{name}')",
        description="The service answered with success, but without what the node reads.",
        item=item,
    )
