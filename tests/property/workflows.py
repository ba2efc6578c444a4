"""Random workflows of core nodes, drawn from a seed: the same seed always gives the same workflow."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

Json = Any
Case = dict[str, Any]

_SCALARS: Final[tuple[Json, ...]] = (
    0, 1, 2, -1, 3.5, 10, "", "a", "b", "A", "abc", "10", " x ", "true", "é", True, False, None, "2024-03-01",
    "2024-01-31T10:00:00Z",
)  # fmt: skip
_KEYS: Final = ("a", "b", "c", "n", "list", "deep")
_EXPRESSIONS: Final = (
    "={{ $json.a }}", "={{ $json.n + 1 }}", "={{ $json.b }} and {{ $json.c }}", "={{ $json.list.length }}",
    "={{ $json.deep.x }}", "={{ $json.deep?.x ?? 'none' }}", "={{ $itemIndex }}", "={{ $input.all().length }}",
    "={{ $('Start').first().json.a }}", "={{ $('Start').item.json.n }}", "={{ $json.a.toString().toUpperCase() }}",
    "={{ $json.list.map(x => x) }}", "={{ Object.keys($json) }}", "={{ $json.n > 1 ? 'big' : 'small' }}",
    "={{ $runIndex }}", "={{ $json }}", "={{ $json.a.isEmpty() }}", "={{ $prevNode.name }}", "={{ [1, 2].sum() }}",
    "={{ $json.missing.deeper }}", "={{ String($json.b).length }}", "plain", "={{ $json.list.join('-') }}",
)  # fmt: skip
_OPERATORS: Final = (
    ("string", "equals", False), ("string", "contains", False), ("string", "exists", True), ("string", "empty", True),
    ("string", "startsWith", False), ("number", "gt", False), ("number", "equals", False), ("number", "lte", False),
    ("boolean", "true", True), ("boolean", "equals", False), ("array", "lengthGt", False), ("object", "exists", True),
    ("string", "notEquals", False), ("dateTime", "after", False),
)  # fmt: skip


class WorkflowGenerator:
    """Generates one workflow."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the point is to draw it again
        self.nodes: list[dict[str, Any]] = []
        self.connections: dict[str, dict[str, list[list[dict[str, Any]]]]] = {}
        self.open: list[tuple[str, int]] = []
        """Outputs that are not connected yet."""

    def case(self, name: str) -> Case:
        """Return a test case without its expected result."""
        self.add("Start", "executeWorkflowTrigger", 1, {}, outputs=1)
        for i in range(self.random.randint(2, 12)):
            if not self.open:
                break
            self._step(f"{_NAMES[i % len(_NAMES)]} {i}")
        return {
            "name": name, "group": "F", "volatile": [], "start": "Start", "mode": "trigger",
            "input": [{"json": self._object()} for _ in range(self.random.choice((1, 1, 2, 3, 5)))],
            "workflow": {
                "name": "Drawn", "nodes": self.nodes, "connections": self.connections,
                "settings": {"executionOrder": self.random.choice(("v1", "v1", "v1", "v0")), "timezone": "UTC"},
            },
        }  # fmt: skip

    def add(self, name: str, type_: str, version: float, parameters: Json, *, outputs: int) -> None:
        """Add a node whose outputs are not connected yet."""
        node = {
            "id": name, "name": name, "type": f"n8n-nodes-base.{type_}", "typeVersion": version,
            "position": [len(self.nodes) * 100, self.random.choice((0, 0, 100, 200, -100))], "parameters": parameters,
        }  # fmt: skip
        if name != "Start":
            chance = self.random.random()
            if chance < 0.08:
                node["alwaysOutputData"] = True
            elif chance < 0.12:
                node["executeOnce"] = True
            elif chance < 0.15:
                node["disabled"] = True
            elif chance < 0.22:
                node["onError"] = self.random.choice(("continueRegularOutput", "continueErrorOutput"))
                outputs += node["onError"] == "continueErrorOutput"
        self.nodes.append(node)
        self.open += [(name, output) for output in range(outputs)]

    def wire(self, source: tuple[str, int], target: str, slot: int = 0) -> None:
        """Connect an output to an input."""
        outputs = self.connections.setdefault(source[0], {"main": []})["main"]
        while len(outputs) <= source[1]:
            outputs.append([])
        outputs[source[1]].append({"node": target, "type": "main", "index": slot})

    def _take(self) -> tuple[str, int]:
        source = self.random.choice(self.open)
        if self.random.random() < 0.75:  # now and then one output feeds several nodes
            self.open.remove(source)
        return source

    def _step(self, name: str) -> None:
        kind = self.random.choice(list(_KINDS))
        source = self._take()
        _KINDS[kind](self, name, source)

    def _object(self) -> dict[str, Json]:
        value: dict[str, Json] = {
            key: self._scalar() for key in self.random.sample(_KEYS[:4], self.random.randint(1, 4))
        }
        if self.random.random() < 0.6:
            value["list"] = [self._scalar() for _ in range(self.random.randint(0, 3))]
        if self.random.random() < 0.5:
            value["deep"] = {"x": self._scalar(), "y": {"z": self._scalar()}}
        return value

    def _scalar(self) -> Json:
        return self.random.choice(_SCALARS)

    def _text(self) -> str:
        return self.random.choice(_EXPRESSIONS)

    def _filter(self) -> dict[str, Json]:
        conditions = []
        for i in range(self.random.choice((1, 1, 2))):
            type_, operation, single = self.random.choice(_OPERATORS)
            operator: dict[str, Json] = {"type": type_, "operation": operation}
            if single:
                operator["singleValue"] = True
            conditions.append(
                {
                    "id": str(i),
                    "leftValue": self._text(),
                    "rightValue": self._scalar() if not single else "",
                    "operator": operator,
                }
            )
        validation = self.random.choice(("strict", "loose", "loose", "loose"))
        options = {
            "caseSensitive": self.random.random() < 0.7,
            "leftValue": "",
            "typeValidation": validation,
            "version": 2,
        }
        return {"options": options, "conditions": conditions, "combinator": self.random.choice(("and", "or"))}

    # --- the kinds of steps ------------------------------------------------------------------------------------------

    def simple(self, name: str, source: tuple[str, int], type_: str, version: float, parameters: Json) -> None:
        """Add a node with one input and one output."""
        self.add(name, type_, version, parameters, outputs=1)
        self.wire(source, name)

    def set(self, name: str, source: tuple[str, int]) -> None:
        """Add a Set node 3.4."""
        fields = [
            {"id": str(i), "name": self.random.choice((*_KEYS, "new", "deep.x")), "value": self._text(),
             "type": self.random.choice(("string", "number", "boolean", "array", "object", "string", "string"))}
            for i in range(self.random.randint(1, 3))
        ]  # fmt: skip
        parameters: dict[str, Json] = {"assignments": {"assignments": fields}, "options": {}}
        if self.random.random() < 0.5:
            parameters["includeOtherFields"] = True
        if self.random.random() < 0.7:
            parameters["options"] = {"ignoreConversionErrors": True}
        self.simple(name, source, "set", 3.4, parameters)

    def branch(self, name: str, source: tuple[str, int]) -> None:
        """Add an IF node 2.2."""
        loose = {"looseTypeValidation": True} if self.random.random() < 0.8 else {}
        self.add(name, "if", 2.2, {"conditions": self._filter(), "options": loose}, outputs=2)
        self.wire(source, name)

    def filter(self, name: str, source: tuple[str, int]) -> None:
        """Add a Filter node 2.2."""
        self.simple(name, source, "filter", 2.2, {"conditions": self._filter(), "options": {}})

    def switch(self, name: str, source: tuple[str, int]) -> None:
        """Add a Switch node 3.2 with a fallback."""
        count = self.random.randint(1, 3)
        rules = {"values": [{"conditions": self._filter()} for _ in range(count)]}
        options = {
            "fallbackOutput": self.random.choice(("extra", "none")),
            "allMatchingOutputs": self.random.random() < 0.3,
        }
        outputs = count + (options["fallbackOutput"] == "extra")
        self.add(name, "switch", 3.2, {"rules": rules, "options": options}, outputs=outputs)
        self.wire(source, name)

    def merge(self, name: str, source: tuple[str, int]) -> None:
        """Add a Merge node 3 of two branches."""
        choices: tuple[dict[str, Json], ...] = (
            {}, {"mode": "append"}, {"mode": "combine", "combineBy": "combineByPosition", "options": {}},
            {"mode": "combine", "combineBy": "combineByPosition", "options": {"includeUnpaired": True}},
            {"mode": "combine", "combineBy": "combineAll", "options": {}},
            {"mode": "combine", "fieldsToMatchString": "a", "joinMode": self.random.choice(("keepMatches", "enrichInput1",
             "keepNonMatches", "keepEverything")), "options": {}}, {"mode": "chooseBranch"},
        )  # fmt: skip
        self.add(name, "merge", 3, self.random.choice(choices), outputs=1)
        self.wire(source, name, 0)
        others = [each for each in self.open if each[0] != name]
        if others:
            self.wire(self.random.choice(others), name, 1)

    def loop(self, name: str, source: tuple[str, int]) -> None:
        """Add a Loop Over Items node with one step in its body."""
        self.add(name, "splitInBatches", 3, {"batchSize": self.random.choice((1, 2)), "options": {}}, outputs=1)
        self.wire(source, name)
        self.nodes[-1].pop("executeOnce", None)
        body = f"{name} body"
        self.open = [each for each in self.open if each != (name, 0)] + [(name, 0)]
        self.add(
            body, self.random.choice(("noOp", "set")), 3.4 if body else 1, {"assignments": {}, "options": {}}, outputs=0
        )
        node = self.nodes[-1]
        if node["type"].endswith("noOp"):
            node |= {"typeVersion": 1, "parameters": {}}
        else:
            fields = [{"id": "1", "name": "seen", "value": self._text(), "type": "string"}]
            node["parameters"] = {"assignments": {"assignments": fields}, "includeOtherFields": True, "options": {}}
        for key in ("disabled", "onError"):
            node.pop(key, None)
        self.wire((name, 1), body)
        self.wire((body, 0), name)

    def stop(self, name: str, source: tuple[str, int]) -> None:
        """Add a Stop and Error node with a probability of 0.3, else a No Operation node."""
        if self.random.random() < 0.3:
            self.add(name, "stopAndError", 1, {"errorMessage": "={{ $json.a }} stops"}, outputs=0)
            self.wire(source, name)
        else:
            self.simple(name, source, "noOp", 1, {})


def _simple(type_: str, version: float, *choices: Json) -> Callable[[WorkflowGenerator, str, tuple[str, int]], None]:
    def step(generator: WorkflowGenerator, name: str, source: tuple[str, int]) -> None:
        generator.simple(name, source, type_, version, generator.random.choice(choices))

    return step


_KINDS: Final[Mapping[str, Callable[[WorkflowGenerator, str, tuple[str, int]], None]]] = {
    "set": WorkflowGenerator.set, "set2": WorkflowGenerator.set, "if": WorkflowGenerator.branch, "filter": WorkflowGenerator.filter,
    "switch": WorkflowGenerator.switch,
    "merge": WorkflowGenerator.merge, "merge2": WorkflowGenerator.merge, "loop": WorkflowGenerator.loop, "stop": WorkflowGenerator.stop,
    "limit": _simple("limit", 1, {"maxItems": 1}, {"maxItems": 2, "keep": "lastItems"}, {}),
    "sort": _simple(
        "sort", 1, {"sortFieldsUi": {"sortField": [{"fieldName": "a"}]}, "options": {}},
        {"sortFieldsUi": {"sortField": [{"fieldName": "n", "order": "descending"}, {"fieldName": "a"}]}, "options": {}},
    ),
    "aggregate": _simple(
        "aggregate", 1, {"aggregate": "aggregateAllItemData", "options": {}},
        {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "a"}]}, "options": {}},
        {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "list"}]}, "options": {"mergeLists": True}},
    ),
    "splitOut": _simple(
        "splitOut", 1, {"fieldToSplitOut": "list", "options": {}},
        {"fieldToSplitOut": "list", "include": "allOtherFields", "options": {}},
        {"fieldToSplitOut": "deep", "options": {}},
    ),
    "summarize": _simple(
        "summarize", 1.1,
        {"fieldsToSummarize": {"values": [{"aggregation": "count", "field": "a"}]}, "options": {}},
        {"fieldsToSummarize": {"values": [{"aggregation": "concatenate", "field": "a", "separateBy": ","}]}, "options": {}},
    ),
    "removeDuplicates": _simple(
        "removeDuplicates", 2, {"options": {}}, {"compare": "selectedFields", "fieldsToCompare": "a", "options": {}}
    ),
    "renameKeys": _simple("renameKeys", 1, {"keys": {"key": [{"currentKey": "a", "newKey": "z"}]}, "additionalOptions": {}}),
    "code": _simple(
        "code", 2, {"jsCode": "return $input.all()"}, {"jsCode": "return items.map((i, n) => ({ json: { ...i.json, n } }))"},
        {"mode": "runOnceForEachItem", "jsCode": "return { json: { a: $json.a, i: $itemIndex } }"},
        {"jsCode": "if (items.length > 1) throw new Error('too many'); return items"}, {"jsCode": "return []"},
    ),
    "noOp": _simple("noOp", 1, {}),
}  # fmt: skip
_NAMES: Final = ("Edit", "Check", "Split", "Join", "Keep", "Count")


def draw_case(seed: int) -> Case:
    """Return the workflow of a seed, as a case."""
    return WorkflowGenerator(seed).case(f"drawn-{seed}")
