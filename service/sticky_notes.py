"""Sticky notes of an export: what its author wrote beside the nodes. A plan has a step for every node but them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.node import Catalog

__all__ = ["StickyNote", "sticky_notes_of"]

WIDTH, HEIGHT = 240.0, 160.0
"""Of a note whose export does not say it, as in n8n."""
MAX_NOTES: Final = 100
MAX_SIDE: Final = 10_000.0
MAX_PLACE: Final = 1e9
MAX_CHARACTERS: Final = 1000


@dataclass(frozen=True)
class StickyNote:
    """A note as it lies on n8n's canvas; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    text: str

    @property
    def title(self) -> str:
        """Return its first line with words, without the marks of a heading."""
        return next((line for line in self._lines if line), "")

    @property
    def body(self) -> str:
        """Return the lines after its title, without marks at their ends."""
        return "\n".join([line for line in self._lines if line][1:])

    @property
    def _lines(self) -> list[str]:
        return [line.lstrip(" #*_>-").rstrip(" *_") for line in self.text.splitlines()]


def sticky_notes_of(export: Mapping[str, Any], catalog: Catalog) -> tuple[StickyNote, ...]:
    """Return the notes of an export, as it was published, that have a text: as many as a graph shows."""
    nodes = export.get("nodes")
    found = [_note(node, catalog) for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    return tuple(note for note in found if note is not None)[:MAX_NOTES]


def _note(node: Mapping[str, Any], catalog: Catalog) -> StickyNote | None:
    type_, parameters, position = node.get("type"), node.get("parameters"), node.get("position")
    if (
        not isinstance(type_, str)
        or not any(shape.annotation for shape in catalog.shapes(type_))
        or not isinstance(parameters, dict)
        or not isinstance(position, list)
        or len(position) != 2
    ):
        return None
    x, y = _number(position[0]), _number(position[1])
    text = parameters.get("content")
    if x is None or y is None or not isinstance(text, str) or not text.strip():
        return None
    width, height = _side(parameters.get("width"), WIDTH), _side(parameters.get("height"), HEIGHT)
    return StickyNote(x, y, width, height, text.strip()[:MAX_CHARACTERS])


def _side(value: Any, default: float) -> float:
    number = _number(value)
    return default if number is None or number <= 0 else min(number, MAX_SIDE)


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if abs(value) < MAX_PLACE else None  # not so for what is no number (NaN)
