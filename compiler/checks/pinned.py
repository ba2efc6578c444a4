"""Compare `$json` paths with pinned data, where the only preceding node has some."""

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.expressions import PinnedPathMissing
from schemas.expression import Expression, Path, Template


def pinned(unit: Unit) -> Iterator[Diagnostic]:
    """Yield a finding for each `$json` path that the pinned data of the only preceding node does not contain."""
    assert unit.export is not None
    for bound in unit.bound.values():
        sources = {link.source for link in unit.graph.into(bound.node.name)}
        if len(sources) != 1 or bound.node.disabled:
            continue
        source = next(iter(sources))
        items = unit.export.pin_data.get(source)
        if items and not unit.bound[source].node.disabled:
            yield from _paths(unit, bound, source, [item["json"] for item in items])


def _paths(unit: Unit, bound: BoundNode, source: str, rows: list[Any]) -> Iterator[Diagnostic]:
    for site in bound.expressions:
        for path in _json_paths(site.compiled.expression):
            missing = _missing(path, rows)
            if missing is not None:
                known, key = missing
                at = bound.at.within("parameters", *site.at)
                text = ".".join(map(str, path.keys))
                advice = unit.hint(str(key), known)
                yield PinnedPathMissing(at=at, parameter=site.name, path=text, name=source, advice=advice)


def _json_paths(expression: Expression) -> Iterator[Path]:
    parts = expression.parts if isinstance(expression, Template) else (expression,)
    yield from (part for part in parts if isinstance(part, Path) and part.root == "$json" and part.keys)


def _missing(path: Path, rows: list[Any]) -> tuple[set[str], str | int] | None:
    """Return the names at the first step that no row has, and the missing name; None if a row has the whole path."""
    current = rows
    for key in path.keys:
        values = [value for row in current if (value := _member(row, key)) is not None]
        if not values:
            if not any(isinstance(row, Mapping | list) for row in current):
                return None  # a method or property of a text or a number
            return {str(name) for row in current if isinstance(row, Mapping) for name in row}, key
        current = values
    return None


def _member(row: Any, key: str | int) -> Any:
    if isinstance(row, Mapping):
        return row.get(str(key), None) if str(key) in row else None
    if isinstance(row, list):
        if isinstance(key, int):
            return row[key] if -1 < key < len(row) else None
        return 0 if key == "length" else None
    return None
