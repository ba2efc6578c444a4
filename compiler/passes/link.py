"""Build the node graph. A connection to a missing node is reported and kept, since n8n fails when it follows one."""

from collections.abc import Iterator

from compiler.graph.graph import Link
from compiler.unit import Unit
from schemas.diagnostic import Location, pointer
from schemas.diagnostic.graph import DanglingConnection, DuplicateConnection, StaleConnections
from schemas.export import MAIN, Target


def link(unit: Unit) -> None:
    """Fill `unit.graph` and `unit.dangling`."""
    assert unit.export is not None
    names = {node.name for node in unit.export.nodes}
    for source, by_type in unit.export.connections.items():
        if source not in names:
            if any(targets for outputs in by_type.values() for targets in outputs):
                at = unit.at("/connections" + pointer(source))
                unit.report(StaleConnections(at=at, source=source, advice=unit.hint(source, names)))
            continue
        for connection, at in _links(unit, source):
            if connection.target in names:
                unit.graph.add(connection)
            else:
                unit.dangling.append(connection)
                advice = unit.hint(connection.target, names)
                unit.report(DanglingConnection(at=at, source=source, target=connection.target, advice=advice))
    _duplicates(unit)


def _links(unit: Unit, source: str) -> Iterator[tuple[Link, Location]]:
    assert unit.export is not None
    for type_, outputs in unit.export.connections[source].items():
        for output, targets in enumerate(outputs):
            for place, target in enumerate(targets or ()):
                at = unit.at("/connections" + pointer(source, type_, output, place), source)
                yield _link(source, type_, output, place, target), at


def _link(source: str, type_: str, output: int, place: int, target: Target) -> Link:
    kind = type_ if type_ != MAIN else target.type if target.type != MAIN else MAIN
    return Link(source, output, target.node, target.index, kind, place)


def _duplicates(unit: Unit) -> None:
    seen: set[tuple[str, int, str, int]] = set()
    for each in unit.graph.main_links:
        key = (each.source, each.output, each.target, each.input)
        if key in seen:
            at = unit.at("/connections" + pointer(each.source, MAIN, each.output, each.place), each.source)
            unit.report(DuplicateConnection(at=at, source=each.source, target=each.target))
        seen.add(key)
