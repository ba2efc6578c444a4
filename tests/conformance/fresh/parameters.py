"""Fresh workflows that reach what no recorded one reaches: each choice of each parameter, and each member of its collections, in each
version of each core node type. They are drawn from a seed; a recorded node of the type gives what is around the parameter.
"""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

from runtime.catalog import CATALOG
from schemas.node import Declared, declarations
from tests.conformance.fresh.mutants import VOLATILE, cases_of_type, nodes_of_type

__all__ = ["draw_cases", "unreached"]

Case = dict[str, Any]
Node = dict[str, Any]
Path = tuple[str, ...]

_LARGEST: Final = 3
"""Levels of collections that are looked into."""
_UNSEEN: Final = frozenset({("n8n-nodes-base.webhook", "multipleMethods")})
"""What shows in the answer of a real request alone; these begin with their items."""
_WORTH_LOOKING: Final = 40
"""Draws for a case that gives the same every time before its choice is given up."""


class Choice(NamedTuple):
    """A value of a parameter in a version of a node type, and what has to be chosen for it to be shown."""

    type: str
    version: float
    path: Path
    value: Any
    shown_by: tuple[tuple[str, Any], ...] = ()

    @property
    def key(self) -> tuple[str, float, Path, str]:
        """What makes it the same as a recorded one."""
        return self.type, self.version, self.path, json.dumps(self.value, sort_keys=True)


def _members(parameters: Any, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path and value of every choice inside parameters: true and false, and words without an expression in them."""
    entries = parameters.items() if isinstance(parameters, dict) else ()
    for name, value in entries:
        at = (*above, name)
        if isinstance(value, bool | int | float) or (isinstance(value, str) and not value.startswith("=")):
            yield at, value
        elif isinstance(value, dict) and len(at) < _LARGEST:
            yield from _members(value, at)


def _shown_by(declared: Declared, version: float) -> tuple[tuple[str, Any], ...] | None:
    """Return the choices that show a parameter; None where the version hides it or a condition is no plain value."""
    found: list[tuple[str, Any]] = []
    for name, values in declared.info.show.items():
        if name == "@version":
            continue
        plain = [each for each in values if not isinstance(each, Mapping)]
        if not plain:
            return None
        found.append((name, plain[0]))
    return tuple(found) if declared.visible(dict(found), version) else None


def _declared(type_: str, version: float) -> Iterator[Choice]:
    """Yield the choices that the classes of a version declare."""
    for cls in CATALOG.shapes(type_):
        if version not in cls.versions:
            continue
        for each in declarations(cls).values():
            annotation = each.field.annotation
            values = get_args(annotation) if get_origin(annotation) is Literal else (True, False)
            shown_by = _shown_by(each, version)
            if shown_by is not None and (get_origin(annotation) is Literal or annotation is bool):
                for value in values:
                    yield Choice(type_, version, (each.alias,), value, shown_by)


@cache
def _recorded(type_: str) -> dict[tuple[str, float, Path, str], Node]:
    """Return the key of each recorded choice of a type -> a node that has it."""
    found: dict[tuple[str, float, Path, str], Node] = {}
    for node in nodes_of_type()[type_]:
        version = node.get("typeVersion", 1)
        for path, value in _members(node.get("parameters")):
            found.setdefault(Choice(type_, version, path, value).key, node)
    return found


@cache
def unreached() -> tuple[Choice, ...]:
    """Return every choice that no recorded workflow has: declared ones, and those of collections that another version has."""
    found: dict[tuple[str, float, Path, str], Choice] = {}
    for type_ in nodes_of_type():
        known = _recorded(type_)
        inside = {key[2:]: node for key, node in known.items() if len(key[2]) > 1}
        for version in CATALOG.versions(type_):
            choices = [*_declared(type_, version)]
            choices += [Choice(type_, version, path, json.loads(text)) for path, text in inside]
            seen = (each for each in choices if (type_, each.path[0]) not in _UNSEEN)
            found.update({each.key: each for each in seen if each.key not in known})
    return tuple(found.values())


def _parameters(draw: random.Random, choice: Choice) -> dict[str, Any]:
    """Return the parameters of a recorded node with the choice in them: one that has the choice in another version, if any."""
    alike = [node for key, node in _recorded(choice.type).items() if key[2:] == choice.key[2:]]
    node = draw.choice(alike or list(nodes_of_type()[choice.type]))
    parameters: dict[str, Any] = copy.deepcopy(node.get("parameters") or {})
    parameters.update(choice.shown_by)
    holder = parameters
    for name in choice.path[:-1]:
        holder = holder.setdefault(name, {}) if isinstance(holder.get(name, {}), dict) else {}
    holder[choice.path[-1]] = choice.value
    return parameters


def _case(draw: random.Random, choice: Choice, name: str) -> Case:
    """Return a recorded workflow of the type whose node has the choice."""
    case = copy.deepcopy(draw.choice(cases_of_type()[choice.type]))
    subject = draw.choice([each for each in case["workflow"]["nodes"] if each["type"] == choice.type])
    subject |= {"typeVersion": choice.version, "parameters": _parameters(draw, choice)}
    kept: Case = {key: case[key] for key in ("workflow", "start", "mode", "input", "subworkflows") if key in case}
    about = f"{'.'.join(choice.path)} is {json.dumps(choice.value)} in version {choice.version} of {choice.type}"
    return {"name": name, "group": "F", "about": about, "volatile": [], **kept}


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return at most `count` workflows, one for each of so many choices that no recorded one has."""
    draw = random.Random(seed)  # noqa: S311 - the point is to draw it again
    choices = list(unreached())
    draw.shuffle(choices)
    cases: list[Case] = []
    for choice in choices:
        for _ in range(_WORTH_LOOKING):
            case = _case(draw, choice, f"parameters-{seed}-{len(cases)}-{choice.type.rpartition('.')[2]}")
            if not VOLATILE.search(json.dumps(case["workflow"])):
                cases.append(case)
                break
        if len(cases) == count:
            break
    return cases
