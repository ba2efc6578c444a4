"""Every kind of value, as an expression, in every parameter of every node type: the cases, and what may come out of them."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from runtime.catalog import CATALOG
from schemas.node import declarations
from tests.conformance.known import HERE
from tests.exports import export, node

__all__ = ["VALUES", "Place", "complaint", "places", "with_value"]

VALUES: Final[dict[str, str]] = {
    "undefined": "={{ undefined }}",
    "null": "={{ null }}",
    "true": "={{ true }}",
    "false": "={{ false }}",
    "zero": "={{ 0 }}",
    "a negative number": "={{ -1 }}",
    "a fraction": "={{ 1.5 }}",
    "infinity": "={{ 1e308 * 10 }}",
    "no number": "={{ 0 / 0 }}",
    "a large number": "={{ 2 ** 70 }}",
    "a BigInt": "={{ 12345678901234567890n }}",
    "an empty text": "={{ '' }}",
    "a text": "={{ 'x' }}",
    "a long text": "={{ '" + "x" * 50_000 + "' }}",
    "a null character": "={{ 'a\\u0000b' }}",
    "half an emoji": "={{ '\\ud83d' }}",
    "an empty list": "={{ [] }}",
    "a list": "={{ [1, 'a', null] }}",
    "a list of lists": "={{ [[1]] }}",
    "an empty object": "={{ {} }}",
    "an object": "={{ ({ a: { b: [1] }, length: 2 }) }}",
    "a list of objects": "={{ [{ a: 1, name: 2, value: null }] }}",
    "300 levels": "={{ " + "[" * 300 + "]" * 300 + " }}",
    "a date": "={{ new Date(0) }}",
    "a DateTime": "={{ $now }}",
}
"""What an expression gives -> the expression."""

PYTHON: Final = re.compile(
    r"'\w+' object|unhashable|NoneType|<class |invalid literal|Traceback|object is not|must be str|expected str|"
    r"takes \d+ positional|not supported between|out of range|codec can't|surrogates not allowed|\b(Key|Type|Value|Attribute)Error\b"
)
"""What a message of Python looks like."""
FORESEEN: Final = re.compile(r"in a way that it did not foresee|cannot use .* here$|cannot use one of its values$")
"""The net's own messages: the node did not say itself what was wrong."""


@dataclass(frozen=True)
class Place:
    """A parameter of a node in a workflow that runs."""

    type: str
    path: tuple[str | int, ...]
    case: str
    """The recorded case, by its file below tests/conformance; or the version of a node that has nothing but the parameter."""
    node: int

    def __str__(self) -> str:
        return f"{self.type.rpartition('.')[2]}.{'.'.join(map(str, self.path))} in {self.case}"


@cache
def places() -> tuple[Place, ...]:
    """Return one place per node type and parameter, nested ones included: in a recorded case where there is one."""
    found: dict[tuple[str, tuple[str, ...]], Place] = {}
    for path in sorted(HERE.rglob("*.json")):
        if path.parent.name == "expressions" or path.parent == HERE or path.stem.startswith("k01-"):
            continue
        case = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(case, dict) or "workflow" not in case:
            continue
        for number, each in enumerate(case["workflow"]["nodes"]):
            if not CATALOG.versions(each["type"]):
                continue
            for at in _paths(each.get("parameters", {})):
                key = (each["type"], tuple(part if isinstance(part, str) else "[]" for part in at))
                found.setdefault(key, Place(each["type"], at, str(path.relative_to(HERE)), number))
    for type_ in CATALOG.types():
        for shape in CATALOG.shapes(type_):
            for declared in declarations(shape).values():
                place = Place(type_, (declared.alias,), str(max(shape.versions)), 1)
                found.setdefault((type_, (declared.alias,)), place)
    return tuple(found[key] for key in sorted(found))


def _paths(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        if (*at, key)[-1] not in ("id", "__rl", "jsCode", "pythonCode", "functionCode", "workflowJson", "reset"):
            yield (*at, key)
        yield from _paths(each, (*at, key))


def with_value(place: Place, expression: str) -> dict[str, Any]:
    """Return the case with an expression at the place, as `run_case` takes it."""
    if place.case.endswith(".json"):
        case = json.loads((HERE / place.case).read_text(encoding="utf-8"))
    else:
        step = node("Step", "noOp", float(place.case)) | {"type": place.type, "parameters": {}}
        case = {
            "workflow": export("case", node("Start", "manualTrigger"), step),
            "start": "Start",
            "input": [{"json": {"a": 1}}],
        }
    case = copy.deepcopy(case)
    value: Any = case["workflow"]["nodes"][place.node].setdefault("parameters", {})
    for key in place.path[:-1]:
        value = value[key]
    value[place.path[-1]] = expression
    return dict(case)


def complaint(ran: dict[str, Any]) -> str | None:
    """Return what is wrong with what a run left: only an end with n8n's or our own words, and items that are JSON, are right."""
    if ran["status"] not in ("success", "error", "canceled", "not-started"):
        return f"the run ended as {ran['status']}"
    message = str((ran.get("error") or {}).get("message"))
    if PYTHON.search(message):
        return f"a message of Python: {message}"
    if "fault of the service" in message:
        return message
    try:
        json.dumps(ran["nodes"])
    except (TypeError, ValueError) as error:
        return f"an output is no JSON: {error}"
    return None
