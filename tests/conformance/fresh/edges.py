"""Fresh single nodes at the edges of what they take: values that no list of choices has, two parameters of which each fails, and items
whose keys mean something to JavaScript. They are drawn from a seed; a recorded node of the type gives what is around them.
"""

import copy
import json
import random
from typing import Any, Final, Literal, get_origin

from runtime.catalog import CATALOG
from schemas.node import declarations
from tests.conformance.fresh.mutants import VOLATILE, cases_of_type, leaves, nodes_of_type

__all__ = ["draw_cases"]

Case = dict[str, Any]
Node = dict[str, Any]

UNKNOWN: Final[tuple[Any, ...]] = ("nope", "", False, None, "={{ [] }}", "={{ $json.nope }}", "={{ 'nope' }}", 1)
"""What is no choice of any list."""
SPECIAL: Final = (
    "__proto__", "constructor", "prototype", "__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "length", "", "0", "a.b",
    "a[0]", "é", "error", "json", "binary", "pairedItem", "toJSON", "then", " ", "valueOf", "__proto",
)  # fmt: skip
"""Keys that mean something to JavaScript, to lodash or to n8n."""
VALUES: Final[tuple[Any, ...]] = (
    {"p": 1},
    5,
    "s",
    None,
    [1],
    {"constructor": 1, "__proto__": {"q": 1}, "x": 2},
    True,
    "",
)
ON_ERROR: Final = (None, None, "continueRegularOutput", "continueErrorOutput")
_FAILING: Final = "={{{{ (() => {{ throw new Error('{0}') }})() }}}}"
_NO_CODE: Final = ("jsCode", "functionCode", "pythonCode", "workflowJson")


class _Edge:
    """Changes one recorded workflow."""

    def __init__(self, draw: random.Random, type_: str) -> None:
        self.random = draw
        self.type = type_
        self.case: Case = copy.deepcopy(draw.choice(cases_of_type()[type_]))
        nodes = [each for each in self.case["workflow"]["nodes"] if each["type"] == type_]
        self.subject: Node = draw.choice(nodes)
        self.parameters: dict[str, Any] = self.subject.setdefault("parameters", {})

    def drawn(self, name: str) -> Case:
        """Return the case without what n8n gives."""
        kind = self.random.choice((self.choice, self.failures, self.keys, self.keys))
        kind()
        kept: Case = {
            key: self.case[key] for key in ("workflow", "start", "mode", "input", "subworkflows") if key in self.case
        }
        about = f"{kind.__name__} of {self.type}"
        return {"name": f"{name}-{kind.__name__}", "group": "F", "about": about, "volatile": [], **kept}

    def _on_error(self) -> None:
        if (chosen := self.random.choice(ON_ERROR)) is not None:
            self.subject["onError"] = chosen

    def choice(self) -> None:
        """Give a parameter that has a list of choices a value that is not in it."""
        version = self.subject.get("typeVersion", 1)
        names = sorted({
            declared.alias
            for cls in CATALOG.shapes(self.type) if version in cls.versions
            for declared in declarations(cls).values()
            if get_origin(declared.field.annotation) is Literal or declared.alias in ("operation", "resource", "mode", "action")
        })  # fmt: skip
        if names:
            self.parameters[self.random.choice(names)] = self.random.choice(UNKNOWN)
        self._on_error()

    def failures(self) -> None:
        """Let two parameters fail, each with its own words: the first one that n8n reads is told."""
        places = [
            each for each in leaves(self.parameters) if each and each[-1] not in _NO_CODE and each[0] != "workflowId"
        ]
        for number, place in enumerate(self.random.sample(places, min(2, len(places)))):
            holder: Any = self.parameters
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = _FAILING.format(f"failure {number}")
        self._on_error()

    def keys(self) -> None:
        """Give the items keys that mean something, at the top and inside."""
        items = self.case.setdefault("input", [{}]) if self.case.get("mode") != "manual" else []
        pinned = self.case["workflow"].get("pinData") or {}
        for held in (items, *pinned.values()):
            held[:] = [each if isinstance(each.get("json"), dict) else {"json": each} for each in held]
        for each in [*items, *(item for held in pinned.values() for item in held)]:
            json_ = each["json"]
            holders = [json_, *(value for value in json_.values() if isinstance(value, dict))]
            holders += [
                member
                for value in json_.values()
                if isinstance(value, list)
                for member in value
                if isinstance(member, dict)
            ]
            for _ in range(self.random.choice((1, 2, 3))):
                self.random.choice(holders)[self.random.choice(SPECIAL)] = copy.deepcopy(self.random.choice(VALUES))


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return `count` workflows, as cases without what n8n gives. Types take turns."""
    draw = random.Random(seed)  # noqa: S311 - the point is to draw it again
    types = list(nodes_of_type())
    draw.shuffle(types)
    cases: list[Case] = []
    turn = 0
    while len(cases) < count:
        type_ = types[turn % len(types)]
        turn += 1
        case = _Edge(draw, type_).drawn(f"edges-{seed}-{len(cases)}-{type_.rpartition('.')[2]}")
        if not VOLATILE.search(json.dumps(case["workflow"])):
            cases.append(case)
    return cases
