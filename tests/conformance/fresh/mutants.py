"""Fresh workflows: recorded ones crossed with each other, drawn from a seed. The same seed always gives the same ones.

Parameters, versions and inputs change places between nodes of a type; single values become expressions or odd data; wires,
flags and the order of execution are drawn anew. Each node type is the subject of as many workflows as every other.
"""

import copy
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from tests.conformance.known import HERE

__all__ = ["draw_cases"]

Case = dict[str, Any]
Node = dict[str, Any]

FOLDERS: Final = ("systematic", "cases", "kinds", "reports/cases")
PREFIX: Final = "n8n-nodes-base."
OUTSIDE: Final = frozenset(PREFIX + each for each in (
    "readWriteFile", "readBinaryFile", "readBinaryFiles", "writeBinaryFile", "executeCommand", "ssh", "emailSend", "emailReadImap",
    "rssFeedRead", "rssFeedReadTrigger", "httpRequest", "graphql", "dataTable", "jwt", "totp", "debugHelper", "evaluation",
    "evaluationTrigger", "n8nTrainingCustomerDatastore", "form", "formTrigger", "aiTransform", "editImage", "cron", "interval",
    "scheduleTrigger", "notAThing", "doesNotExist",
))  # fmt: skip
"""Types that reach outside, give something else every time, or need what the oracle does not have."""
NO_SUBJECT: Final = frozenset(
    PREFIX + each for each in ("manualTrigger", "noOp", "executeWorkflowTrigger", "start", "errorTrigger")
)
VOLATILE: Final = re.compile(
    r"\$now|\$today|Date\.now|new Date\(\s*\)|random|\$execution|DateTime\.(now|local|utc)\(\s*\)|getCurrentDate|currentDate|uuid|"
    r"generate|Intl|startedAt|executionId|setTimeout|console|process|require|\"timestamp\"|toRelative|diffToNow|webhook-waiting|"
    r"getTimeBetweenDates\",\s*\"endDate\": \"\"|resume",
    re.IGNORECASE,
)
ODD: Final[tuple[Any, ...]] = (
    "", " ", "0", "1", 0, 1, -1, 2.5, True, False, None, "a", "a,b", "a.b", "true", "null", "[]", "{}", "[1, 2]", '{"a": 1}', "é🚀",
    "2024-02-29", "2024-03-10T02:30:00", "id", "name", "={{ $json.a }}", "={{ $json.id }}", "={{ $json }}", "={{ undefined }}",
    "={{ null }}", "={{ [] }}", "={{ [1, 'a'] }}", "={{ ({}) }}", "={{ ({ a: 1 }) }}", "={{ $json.nope.x }}", "={{ 0 }}", "={{ 'x' }}",
    "={{ true }}", "={{ $itemIndex }}", "={{ $json.a ?? 'none' }}", "={{ Object.keys($json)[0] }}", "={{ $input.first().json }}",
    "={{ 1/0 }}", "={{ '' }}", "={{ DateTime.fromISO('2024-01-31') }}", "=text {{ $json.a }}", "={{ $input.all().length }}", 1000, "1e3",
)  # fmt: skip
ODD_ITEMS: Final[tuple[Any, ...]] = (
    {}, {"a": None}, {"a": ""}, {"a": [1, [2]], "id": "1"}, {"a": {"b": {"c": 1}}}, {"a.b": 1, "a": {"b": 2}}, {"0": "x", "length": 2},
    {"a": "2024-01-31", "b": "10"}, {"a": True, "id": 1.5}, {"a": "é", "name": " x "}, {"id": 2, "a": -1}, {"a": 12345678901234567890},
    {"list": [{"x": 1}, None, "s"]}, {"A": 1, "a": "1"}, {"a": "<b>x</b>", "b": "a,b;c"}, {"__proto": 1, "constructor": "c"},
)  # fmt: skip
FLAGS: Final[tuple[tuple[str, Any], ...]] = (
    ("alwaysOutputData", True), ("executeOnce", True), ("disabled", True), ("onError", "continueRegularOutput"),
    ("onError", "continueErrorOutput"), ("onError", "continueRegularOutput"), ("continueOnFail", True), ("onError", "stopWorkflow"),
)  # fmt: skip


@cache
def recorded() -> tuple[Case, ...]:
    """Return the recorded workflows that give the same every time and reach nothing outside."""
    found = []
    for folder in FOLDERS:
        for path in sorted((HERE / folder).glob("*.json")):
            text = path.read_text(encoding="utf-8")
            case = json.loads(text)
            special = case.keys() & {"credentials", "files", "now", "engineDifference", "staticData"} or case.get(
                "volatile"
            )
            types = {each.get("type") for each in case["workflow"]["nodes"]}
            if not special and not types & OUTSIDE and not VOLATILE.search(json.dumps(case["workflow"])):
                found.append(case)
    return tuple(found)


@cache
def nodes_of_type() -> dict[str, tuple[Node, ...]]:
    """Return type -> its recorded nodes."""
    found: defaultdict[str, list[Node]] = defaultdict(list)
    for case in recorded():
        for node in case["workflow"]["nodes"]:
            found[node["type"]].append(node)
    return {type_: tuple(nodes) for type_, nodes in sorted(found.items()) if type_ not in NO_SUBJECT}


@cache
def cases_of_type() -> dict[str, tuple[Case, ...]]:
    """Return type -> the recorded workflows that have a node of it."""
    found: defaultdict[str, list[Case]] = defaultdict(list)
    for case in recorded():
        for type_ in dict.fromkeys(each["type"] for each in case["workflow"]["nodes"]):
            found[type_].append(case)
    return {type_: tuple(cases) for type_, cases in found.items()}


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value inside parameters that is neither an object nor a list."""
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if entries is None:
        yield at
        return
    for key, each in entries:
        if key not in ("id", "jsCode", "functionCode", "pythonCode", "workflowJson", "__rl", "amount", "unit"):
            yield from leaves(each, (*at, key))


class Mutation:
    """Changes one workflow."""

    def __init__(self, draw: random.Random, type_: str) -> None:
        self.random = draw
        self.type = type_
        self.case: Case = copy.deepcopy(draw.choice(cases_of_type()[type_]))
        self.steps: tuple[Callable[[], None], ...] = (
            self._parameter, self._parameter, self._parameter, self._odd, self._odd, self._version, self._input, self._input, self._flag,
            self._wire, self._order, self._exchange, self._follow,
        )  # fmt: skip

    def drawn(self, name: str) -> Case:
        """Return the case with one to four changes, without what n8n gives."""
        for _ in range(self.random.choice((1, 2, 2, 3, 4))):
            self.random.choice(self.steps)()
        kept: Case = {
            key: self.case[key] for key in ("workflow", "start", "mode", "input", "subworkflows") if key in self.case
        }
        return {"name": name, "group": "F", "about": f"a fresh case of {self.type}", "volatile": [], **kept}

    def _subject(self) -> Node:
        nodes = [each for each in self.case["workflow"]["nodes"] if each["type"] == self.type]
        return self.random.choice(nodes)

    def _parameter(self) -> None:
        """A parameter of another node of the type takes the place of this node's, or is added."""
        other = copy.deepcopy(self.random.choice(nodes_of_type()[self.type])).get("parameters") or {}
        if other:
            key = self.random.choice(list(other))
            self._subject().setdefault("parameters", {})[key] = other[key]

    def _exchange(self) -> None:
        """All parameters of another node of the type."""
        self._subject()["parameters"] = (
            copy.deepcopy(self.random.choice(nodes_of_type()[self.type])).get("parameters") or {}
        )

    def _odd(self) -> None:
        parameters = self._subject().setdefault("parameters", {})
        places = [each for each in leaves(parameters) if each]
        if not places:
            return
        *above, last = self.random.choice(places)
        holder: Any = parameters
        for key in above:
            holder = holder[key]
        holder[last] = self.random.choice(ODD)

    def _version(self) -> None:
        self._subject()["typeVersion"] = self.random.choice(nodes_of_type()[self.type]).get("typeVersion", 1)

    def _input(self) -> None:
        """The items of another case, or odd ones."""
        items = copy.deepcopy(self.random.choice(recorded()).get("input") or [{}])
        if self.random.random() < 0.5:
            items = [*(self.case.get("input") or []), *self.random.sample(ODD_ITEMS, self.random.randint(1, 3))]
        pinned = self.case["workflow"].get("pinData") or {}
        if pinned and self.random.random() < 0.5:
            pinned[self.random.choice(list(pinned))] = items
        elif self.case.get("mode") != "manual":
            self.case["input"] = items

    def _flag(self) -> None:
        key, value = self.random.choice(FLAGS)
        self._subject()[key] = value

    def _order(self) -> None:
        settings = self.case["workflow"].setdefault("settings", {})
        settings["executionOrder"] = "v1" if settings.get("executionOrder") != "v1" else "v0"

    def _wires(self) -> list[tuple[str, int, dict[str, Any]]]:
        found = []
        for source, kinds in self.case["workflow"]["connections"].items():
            for output, wires in enumerate(kinds.get("main") or []):
                found += [(source, output, wire) for wire in wires or []]
        return found

    def _wire(self) -> None:
        """A wire more, from any output of the subject or its like to a node behind it; or one goes to another input."""
        wires = self._wires()
        if not wires:
            return
        source, output, wire = self.random.choice(wires)
        if self.random.random() < 0.5:
            wire["index"] = self.random.choice((0, 0, 1))
            return
        target = self.random.choice(wires)[2]
        if not self._reaches(target["node"], source):
            outputs = self.case["workflow"]["connections"][source]["main"]
            outputs[output] = [*(outputs[output] or []), copy.deepcopy(target)]

    def _reaches(self, source: str, target: str) -> bool:
        """Whether a new wire back would make a loop."""
        seen, todo = set(), [source]
        while todo:
            name = todo.pop()
            if name == target:
                return True
            if name not in seen:
                seen.add(name)
                todo += [wire["node"] for at, _, wire in self._wires() if at == name]
        return False

    def _follow(self) -> None:
        """A node of any type behind the subject, with its recorded parameters."""
        type_ = self.random.choice(
            [each for each in nodes_of_type() if not each.endswith((".wait", ".respondToWebhook", ".webhook"))]
        )
        node = copy.deepcopy(self.random.choice(nodes_of_type()[type_]))
        subject = self._subject()
        node |= {"id": "fresh", "name": "Fresh", "position": [900, 0]}
        if any(each["name"] == "Fresh" for each in self.case["workflow"]["nodes"]):
            return
        self.case["workflow"]["nodes"].append(node)
        outputs = self.case["workflow"]["connections"].setdefault(subject["name"], {}).setdefault("main", [[]])
        place = self.random.randrange(len(outputs)) if outputs else 0
        outputs[place : place + 1] = [
            [*((outputs[place] if outputs else None) or []), {"node": "Fresh", "type": "main", "index": 0}]
        ]


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return `count` workflows, as cases without what n8n gives. Types take turns."""
    draw = random.Random(seed)  # noqa: S311 - the point is to draw it again
    types = list(nodes_of_type())
    draw.shuffle(types)
    known = {json.dumps(each["workflow"], sort_keys=True) for each in recorded()}
    cases: list[Case] = []
    while len(cases) < count:
        type_ = types[len(cases) % len(types)]
        case = Mutation(draw, type_).drawn(f"fresh-{seed}-{len(cases)}-{type_.rpartition('.')[2]}")
        text = json.dumps(case["workflow"], sort_keys=True)
        if text not in known and not VOLATILE.search(text):
            known.add(text)
            cases.append(case)
    return cases
