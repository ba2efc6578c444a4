"""The border of a run: what its workflow code hands out is measured here, on every host, before anybody else refuses it.

What is too large or too deep is an error of the step, which its author can handle; further out it could only fail the
workflow task, again and again.
"""

from typing import Any, Final

from runtime.contract import NodeError
from runtime.values.json_bytes import MAX_DOCUMENT_DEPTH, DepthError, dumps_within_depth, is_deeper
from runtime.values.well_formed import abbreviate, well_formed
from schemas.item import MAX_NESTING
from schemas.run import MAX_ITEMS
from schemas.task import Task, TaskResult

__all__ = [
    "MESSAGE_CHARACTERS",
    "check_depth",
    "check_result",
    "failure_message",
    "hand_out",
    "hand_out_items",
    "identifier",
    "too_large",
]

MESSAGE_CHARACTERS: Final = 4_000
"""Characters of a message that leaves a run as text (a failure's message, a summary). The whole text is in the details."""
OUTPUTS_DEPTH: Final = 4
"""Levels around the json of an item in the result of a task: the result, its outputs, the items, the item."""
REMEDY: Final = (
    "Send fewer items at a time (Loop Over Items), remove fields that no later node reads, or keep the data in a file or a "
    "database and pass its address."
)


def hand_out(value: Any, what: str, limit: int | None, *, levels: int = MAX_DOCUMENT_DEPTH) -> bytes:
    """Return a value as JSON bytes. None as `limit`: any size.

    Raises:
        NodeError: it has more bytes than `limit`, or is nested too deep. The message begins with `what`.
    """
    try:
        data = dumps_within_depth(value, levels)
    except DepthError:
        raise _too_deep(what) from None
    if limit is not None and len(data) > limit:
        raise too_large(what, len(data), limit)
    return data


def hand_out_items(outputs: Any, what: str, limit: int | None) -> bytes:
    """Return lists of items as JSON bytes, as `hand_out` does. An item may have MAX_NESTING levels."""
    return hand_out(outputs, what, limit, levels=MAX_NESTING + OUTPUTS_DEPTH - 1)


def check_depth(outputs: Any, what: str) -> None:
    """Raise NodeError when an item of the outputs is nested deeper than MAX_NESTING levels."""
    if is_deeper(outputs, MAX_NESTING + OUTPUTS_DEPTH - 1):
        raise _too_deep(what)


def too_large(what: str, size: int, limit: int) -> NodeError:
    """Return the error of a step that would hand out `size` bytes."""
    return NodeError(
        f"{what} has {size:,} bytes of JSON, and the limit is {limit:,} (TEMPOR8_PAYLOAD_LIMIT)", description=REMEDY
    )


def check_result(task: Task, result: TaskResult) -> tuple[TaskResult, bytes]:
    """Return the result of a task, and its JSON bytes; the task's error instead of outputs that are too many, too large or too
    deep.
    """
    what, limit = f"The output of '{task['step']['name']}'", task["meta"].get("payload_limit")
    try:
        _check_number(result, what)
        return result, hand_out(result, what, limit, levels=MAX_NESTING + OUTPUTS_DEPTH)
    except NodeError as error:
        refused: TaskResult = {"error": error.to_json()}
        return refused, hand_out(refused, what, None)


def _check_number(result: TaskResult, what: str) -> None:
    items = sum(len(output or ()) for output in result.get("outputs") or ())
    if items > MAX_ITEMS:
        raise NodeError(f"{what} has {items:,} items, and the limit is {MAX_ITEMS:,}", description=REMEDY)


def failure_message(message: str) -> str:
    """Return a message as Temporal takes it: a few thousand characters of Unicode."""
    return abbreviate(message, MESSAGE_CHARACTERS)


def identifier(name: str, size: int) -> str:
    """Return a node's name as part of an id or as a summary: at most `size` bytes, since Temporal refuses longer ones."""
    return well_formed(name).encode()[:size].decode(errors="ignore")


def _too_deep(what: str) -> NodeError:
    return NodeError(
        f"{what} is nested deeper than {MAX_NESTING} levels",
        description="Flatten the data, or pass the deep part as text (JSON.stringify).",
    )
