"""Describe a new expectation of a case in lines, so that its author can check what is written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cli.support.json_text import json_text

__all__ = ["Expectation", "expectation"]

MAX_ITEMS: Final = 5
"""Items that are shown of one output; more are counted."""
MAX_WIDTH: Final = 160
"""Characters of one line."""


@dataclass(frozen=True)
class Expectation:
    """What an update did to a case (`new`, `changed`) or would do (`refused`), in lines."""

    state: Literal["new", "changed", "refused"]
    lines: tuple[str, ...]


def expectation(actual: Mapping[str, Any]) -> Expectation:
    """Return the lines of a case's first expectation: status, error, order, the items of each node, the response."""
    return Expectation("new", tuple(_lines(actual)))


def _lines(actual: Mapping[str, Any]) -> Iterator[str]:
    yield f"status: {actual['status']}"
    if actual.get("error"):
        yield _cut(f"error: {json_text(actual['error'])}")
    yield _cut("order: " + " > ".join(f"{name}[{run}]" for name, run in actual["order"]))
    for name, runs in actual["nodes"].items():
        for index, run in enumerate(runs):
            yield from _outputs(f"{name}, run {index}" if len(runs) > 1 else name, run.get("outputs"))
    if actual.get("response"):
        yield _cut(f"response: {json_text(actual['response'])}")


def _outputs(where: str, outputs: list[Any] | None) -> Iterator[str]:
    if outputs is None:
        yield f"{where}: no outputs"
        return
    for index, items in enumerate(outputs):
        place = f"{where}, output {index}" if len(outputs) > 1 else where
        if not items:
            yield f"{place}: no items"
            continue
        yield from (_cut(f"{place}: {json_text(item)}") for item in items[:MAX_ITEMS])
        if len(items) > MAX_ITEMS:
            yield f"{place}: and {len(items) - MAX_ITEMS} more items"


def _cut(line: str) -> str:
    return line if len(line) <= MAX_WIDTH else line[: MAX_WIDTH - 3] + "..."
