"""Shapes of a node type: which of the classes of one type and version stands for these parameters (`Node.when`)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from schemas.node import Node, declarations, is_condition, meets

__all__ = ["choices", "overlap", "shape_of", "stands_for"]


def shape_of(
    classes: Iterable[type[Node]], version: float, parameters: Mapping[str, Any], ports: Collection[str] = ()
) -> type[Node] | None:
    """Return the first class among those of one type that stands for a version, parameters and ports, or None.

    Args:
        classes: the classes of one type.
        version: the node's typeVersion.
        parameters: by wire name, as written or with defaults filled in. An expression selects no shape: which class
            a node has is decided before anything is evaluated.
        ports: those to which an enabled sub-node is connected.
    """
    return next((each for each in classes if stands_for(each, version, parameters, ports)), None)


def stands_for(node: type[Node], version: float, parameters: Mapping[str, Any], ports: Collection[str] = ()) -> bool:
    """Return whether a class has the version, and the parameters and ports meet its conditions."""
    if version not in node.versions or (node.when_connected is not None and node.when_connected not in ports):
        return False
    return all(
        any(_same(value, each) for each in values)
        for name, values in node.when.items()
        for value in [_effective(node, name, version, parameters)]
    )


def choices(classes: Iterable[type[Node]], version: float) -> dict[str, list[Any]]:
    """Return the parameters that select a shape of this version, each with the values that some shape stands for."""
    found: dict[str, list[Any]] = {}
    for each in classes:
        if version in each.versions:
            for name, values in each.when.items():
                known = found.setdefault(name, [])
                known += [value for value in values if value not in known]
    return found


def overlap(one: type[Node], other: type[Node]) -> str | None:
    """Return why two classes of one type could both stand for the same node; None: no node fits both.

    They are apart when they share no version, or when a parameter that both name in `when` has no value in common and
    the same default in both, since n8n leaves out a parameter that has its default.
    """
    versions = sorted(set(one.versions) & set(other.versions))
    if not versions or one.when_connected != other.when_connected:
        return None
    names = set(one.when) & set(other.when)
    apart = [name for name in names if not any(_same(a, b) for a in one.when[name] for b in other.when[name])]
    if not apart:
        return f"no parameter of `when` tells version {versions[0]:g} of them apart"
    for name in sorted(apart):
        for version in versions:
            if not _same(_effective(one, name, version, {}), _effective(other, name, version, {})):
                return f"`{name}` has different defaults in version {version:g}"
    return None


def _effective(node: type[Node], name: str, version: float, parameters: Mapping[str, Any]) -> Any:
    if name in parameters:
        return parameters[name]
    fields = (each for each in declarations(node).values() if each.alias == name)
    return next((each.default(version) for each in fields if each.visible({}, version)), None)


def _same(value: Any, other: Any) -> bool:
    """Return whether a value meets another, or a condition of n8n's. True and 1 differ, as in JSON."""
    if is_condition(value):
        value, other = other, value
    return meets(value, other)
