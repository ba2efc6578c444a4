"""Compare the meaning of two plans. Positions, ids and notes do not count, nor do defaults that are written out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.plan import Plan, Step
from schemas.redact import redact

STEP_FIELDS: Final = (
    "type", "version", "credentials", "on_error", "retry", "always_output_data", "execute_once", "disabled", "agent",
)  # fmt: skip
ABSENT: Final = object()


@dataclass(frozen=True)
class Change:
    """One changed value. `before` or `after` is None where the value was absent."""

    node: str
    what: str
    before: Any = None
    after: Any = None


@dataclass
class Difference:
    """All changes between two plans."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    disconnected: list[str] = field(default_factory=list)
    settings: list[Change] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def to_json(self) -> dict[str, Any]:
        """Return the difference as data."""
        changes = {
            key: [{"node": each.node, "what": each.what, "before": each.before, "after": each.after} for each in listed]
            for key, listed in (("changed", self.changed), ("settings", self.settings))
        }
        renamed = [{"before": before, "after": after} for before, after in self.renamed]
        nodes = {"added": self.added, "removed": self.removed, "renamed": renamed}
        return nodes | changes | {"connected": self.connected, "disconnected": self.disconnected}

    def lines(self) -> Iterator[str]:
        """Yield one line per change for people: `+` added, `-` removed, `~` changed."""
        yield from (f"+ node {name!r}" for name in self.added)
        yield from (f"- node {name!r}" for name in self.removed)
        yield from (f"~ node {before!r} is now named {after!r}" for before, after in self.renamed)
        yield from (
            f"~ {each.node!r} {each.what}: {_show(each.before)} -> {_show(each.after)}" for each in self.changed
        )
        yield from (f"+ {each}" for each in self.connected)
        yield from (f"- {each}" for each in self.disconnected)
        yield from (f"~ setting {each.what}: {_show(each.before)} -> {_show(each.after)}" for each in self.settings)


def difference(before: Plan, after: Plan) -> Difference:
    """Return the changes that turn `before` into `after`."""
    names = _match_names(before, after)
    result = Difference(renamed=sorted((old, new) for old, new in names.items() if old != new))
    result.added = sorted(after.step.keys() - names.values())
    result.removed = sorted(before.step.keys() - names.keys())
    for old, new in sorted(names.items(), key=lambda pair: pair[1]):
        result.changed.extend(_steps(before.step[old], after.step[new], new))
    first, second = _connections(before, names), _connections(after, {name: name for name in after.step})
    result.connected, result.disconnected = sorted(second - first), sorted(first - second)
    result.settings = list(
        _values("", (), before.settings.model_dump(mode="json"), after.settings.model_dump(mode="json"))
    )
    return result


def _match_names(before: Plan, after: Plan) -> dict[str, str]:
    """Return old name -> new name: the step of the same name, else the one with the same id and type."""
    names = {name: name for name in before.step if name in after.step}
    by_id = {(step.id, step.type): step.name for step in after.steps if step.id and step.name not in before.step}
    for step in before.steps:
        if step.name not in names and (step.id, step.type) in by_id:
            names[step.name] = by_id.pop((step.id, step.type))
    return names


def _steps(before: Step, after: Step, node: str) -> Iterator[Change]:
    first, second = before.model_dump(mode="json"), after.model_dump(mode="json")
    for aspect in STEP_FIELDS:
        if first[aspect] != second[aspect]:
            yield Change(node, aspect, first[aspect], second[aspect])
    yield from _values(node, (), before.parameters, after.parameters)


def _values(node: str, at: tuple[str, ...], before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _values(node, (*at, key), before.get(key, ABSENT), after.get(key, ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _values(node, (*at, str(index)), old, new)
    elif at and at[-1] in ("id", "cachedResultName", "cachedResultUrl") and isinstance(after, str):
        return  # ids of the editor's rows, and names that it caches
    elif before is ABSENT or after is ABSENT or before != after or type(before) is not type(after):
        yield Change(node, ".".join(at), _or_none(before), _or_none(after))


def _or_none(value: Any) -> Any:
    return None if value is ABSENT else value


def _connections(plan: Plan, names: dict[str, str]) -> set[str]:
    wires = set()
    for step in plan.steps:
        name = names.get(step.name, step.name)
        for edge in step.edges:
            target = names.get(edge.target, edge.target)
            wires.add(f"connection {name!r} [{edge.output}] -> {target!r} [{edge.input}]")
        for type_, parts in step.subnodes.items():
            wires.update(f"connection {names.get(part, part)!r} -> {name!r} ({type_})" for part in parts)
    return wires


def _show(value: Any) -> str:
    text = redact(repr(value))
    return text if len(text) <= 80 else text[:79] + "…"
