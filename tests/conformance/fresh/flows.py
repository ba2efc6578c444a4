"""Fresh flows: sub-workflows, loops, waits and failures around nodes that split, join and pair items, drawn from a seed.

Behind each flow a node asks for the paired item of every node before it, so that what n8n traces back is seen.
"""

import json
import random
from collections.abc import Callable
from typing import Any, Final

__all__ = ["draw_cases"]

Case = dict[str, Any]
Node = dict[str, Any]

ITEMS: Final[tuple[tuple[dict[str, Any], ...], ...]] = (
    ({"id": 1, "g": "a", "list": [1, 2]}, {"id": 2, "g": "b", "list": []}, {"id": 3, "g": "a", "list": [{"x": 1}]}),
    ({"id": 1, "g": "a"},), ({"id": "x", "list": ["p", "q"]}, {"id": "x"}), ({"id": 5, "g": None, "list": [None, 0]},) * 4,
)  # fmt: skip
CODES: Final = (
    {"jsCode": "return items.map((i, n) => ({ json: { ...i.json, n } }));"},
    {"jsCode": "return items.map((i, n) => ({ json: { n, id: i.json.id }, pairedItem: n }));"},
    {"jsCode": "return items.flatMap((i, n) => [0, 1].map(k => ({ json: { id: i.json.id, k }, pairedItem: { item: n } })));"},
    {"jsCode": "return [{ json: { id: 'one' }, pairedItem: items.map((_, n) => ({ item: n })) }];"},
    {"jsCode": "return [{ json: { id: 'none' } }, { json: { id: 'none2' } }];"},
    {"jsCode": "return items.slice().reverse();"},
    {"jsCode": "return items.length ? [items[0]] : [];"},
    {"jsCode": "return { id: 'object', count: items.length };"},
    {"jsCode": "if (items.length > 2) throw new Error('too many: ' + items.length); return items;"},
    {"jsCode": "return items.map((i) => ({ json: { id: i.json.id }, pairedItem: { item: 0, input: 0 } }));"},
    {"mode": "runOnceForEachItem", "jsCode": "return { json: { id: $json.id, at: $itemIndex } };"},
    {"mode": "runOnceForEachItem", "jsCode": "if ($json.id === 2) throw new Error('two'); return $input.item;"},
    {"mode": "runOnceForEachItem", "jsCode": "return { id: $json.id, pairedItem: 5 };"},
    {"mode": "runOnceForEachItem", "jsCode": "return $json.id === 1 ? null : { json: { id: $json.id }, pairedItem: 0 };"},
)  # fmt: skip
SPLITS: Final[tuple[tuple[str, float, dict[str, Any]], ...]] = (
    ("splitOut", 1, {"fieldToSplitOut": "list", "include": "allOtherFields", "options": {}}),
    ("splitOut", 1, {"fieldToSplitOut": "list", "options": {}}),
    ("aggregate", 1, {"aggregate": "aggregateAllItemData", "destinationFieldName": "list", "options": {}}),
    ("aggregate", 1, {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "id"}]}, "options": {}}),
    ("limit", 1, {"maxItems": 2, "keep": "lastItems"}), ("limit", 1, {}),
    ("sort", 1, {"sortFieldsUi": {"sortField": [{"fieldName": "id", "order": "descending"}]}, "options": {}}),
    ("removeDuplicates", 2, {"compare": "selectedFields", "fieldsToCompare": "id", "options": {}}),
    ("summarize", 1.1, {"fieldsToSummarize": {"values": [{"aggregation": "count", "field": "id"}]}, "fieldsToSplitBy": "g", "options": {}}),
    ("summarize", 1, {"fieldsToSummarize": {"values": [{"aggregation": "append", "field": "id"}]}, "options": {}}),
    ("itemLists", 3, {"operation": "concatenateItems", "aggregate": "aggregateAllItemData", "destinationFieldName": "list", "options": {}}),
    ("renameKeys", 1, {"keys": {"key": [{"currentKey": "g", "newKey": "group"}]}, "additionalOptions": {}}),
    ("wait", 1.1, {"amount": 0}), ("wait", 1.1, {"amount": 0, "unit": "minutes"}), ("noOp", 1, {}),
    ("set", 3.4, {"assignments": {"assignments": [{"id": "1", "name": "at", "value": "={{ $itemIndex }}", "type": "number"}]},
                  "includeOtherFields": True, "options": {}}),
    ("convertToFile", 1.1, {"operation": "toJson", "options": {}}), ("html", 1.2, {"operation": "convertToHtmlTable", "options": {}}),
    ("filter", 2.2, {"conditions": {"options": {"version": 2, "typeValidation": "loose"}, "combinator": "and", "conditions": [
        {"id": "1", "leftValue": "={{ $json.id }}", "rightValue": 1, "operator": {"type": "number", "operation": "gt"}}]}, "options": {}}),
)  # fmt: skip
MERGES: Final[tuple[dict[str, Any], ...]] = (
    {}, {"mode": "combine", "combineBy": "combineByPosition", "options": {}}, {"mode": "combine", "combineBy": "combineAll", "options": {}},
    {"mode": "combine", "combineBy": "combineByPosition", "options": {"includeUnpaired": True}}, {"mode": "chooseBranch"},
    {"mode": "chooseBranch", "useDataOfInput": 2}, {"mode": "chooseBranch", "output": "empty"},
    *({"mode": "combine", "fieldsToMatchString": "id", "joinMode": kind, "options": {}} for kind in (
        "keepMatches", "keepNonMatches", "keepEverything", "enrichInput1", "enrichInput2")),
    {"mode": "combine", "fieldsToMatchString": "id", "outputDataFrom": "input2", "options": {}},
    {"mode": "combine", "fieldsToMatchString": "id", "options": {"multipleMatches": "first"}},
)  # fmt: skip
ASKED: Final = (
    "$('{0}').item.json", "$('{0}').itemMatching($itemIndex).json", "$('{0}').first().json", "$('{0}').all().length",
    "$('{0}').last().json", "$('{0}').isExecuted", "$node['{0}'].json", "$('{0}').pairedItem().json", "$('{0}').all(0, -1).length",
    "$('{0}').first(0, 0).json",
)  # fmt: skip
FAILURES: Final = (
    {"errorMessage": "it stops at {{ $json.id }}"}, {"errorMessage": "=it stops at {{ $json.id }}"}, {"errorMessage": ""},
    {"errorType": "errorObject", "errorObject": '{ "message": "m", "code": 5, "description": "d" }'},
    {"errorType": "errorObject", "errorObject": '={{ { "error": "e", "id": $json.id } }}'},
)  # fmt: skip


class Flow:
    """Draws one workflow, node after node."""

    def __init__(self, draw: random.Random, *, depth: int = 0) -> None:
        self.random = draw
        self.depth = depth
        self.nodes: list[Node] = []
        self.connections: dict[str, Any] = {}
        self.last: list[tuple[str, int]] = [("Start", 0)]
        self.subworkflows: dict[str, Any] = {}
        self.kinds: tuple[Callable[[], None], ...] = (
            self.code, self.code, self.split, self.split, self.split, self.merge, self.merge, self.loop, self.branch, self.call,
            self.fail,
        )  # fmt: skip

    def workflow(self, steps: int, trigger: str) -> dict[str, Any]:
        """Return an export of so many steps and the nodes that ask for paired items."""
        self.add(trigger, 1 if trigger != "executeWorkflowTrigger" else 1.1, self._entry(trigger), "Start")
        for _ in range(steps):
            self.random.choice(self.kinds)()
        for name, output in self.random.sample(self.last, min(len(self.last), 2)):
            self.ask(name, output)
        settings = {"executionOrder": self.random.choice(("v1", "v1", "v1", "v0")), "timezone": "UTC"}
        return {"name": "Flow", "nodes": self.nodes, "connections": self.connections, "settings": settings}

    def _entry(self, trigger: str) -> dict[str, Any]:
        return {"inputSource": "passthrough"} if trigger == "executeWorkflowTrigger" else {}

    def add(self, type_: str, version: float, parameters: dict[str, Any], name: str = "", **flags: Any) -> str:
        """Add a node that nothing leads to."""
        name = name or f"{type_} {len(self.nodes)}"
        position = [100 * len(self.nodes), self.random.choice((0, 0, 100, -100))]
        node = {
            "id": name,
            "name": name,
            "type": f"n8n-nodes-base.{type_}",
            "typeVersion": version,
            "position": position,
        }
        self.nodes.append({**node, "parameters": json.loads(json.dumps(parameters)), **flags})
        return name

    def wire(self, source: tuple[str, int], target: str, slot: int = 0) -> None:
        """Lead an output to an input."""
        outputs = self.connections.setdefault(source[0], {"main": []})["main"]
        outputs += [[] for _ in range(source[1] + 1 - len(outputs))]
        outputs[source[1]].append({"node": target, "type": "main", "index": slot})

    def step(self, type_: str, version: float, parameters: dict[str, Any], **flags: Any) -> str:
        """Add a node behind one of the last ones, in whose place it comes, mostly."""
        source = self.random.choice(self.last)
        chance = self.random.random()
        if chance < 0.12:
            flags["onError"] = self.random.choice(("continueRegularOutput", "continueErrorOutput"))
        elif chance < 0.2:
            flags[self.random.choice(("alwaysOutputData", "executeOnce"))] = True
        elif chance < 0.23:
            flags |= {"retryOnFail": True, "maxTries": 2, "waitBetweenTries": 0}
        name = self.add(type_, version, parameters, **flags)
        self.wire(source, name)
        if self.random.random() < 0.75:
            self.last.remove(source)
        self.last += [(name, 0), *([(name, 1)] if flags.get("onError") == "continueErrorOutput" else [])]
        return name

    def code(self) -> None:
        """Add a Code node that pairs its items or does not."""
        self.step("code", 2, self.random.choice(CODES))

    def split(self) -> None:
        """Add a node that makes other items of its items."""
        self.step(*self.random.choice(SPLITS))

    def merge(self) -> None:
        """Join one of the last outputs with another, or with itself."""
        one, other = self.random.choice(self.last), self.random.choice(self.last)
        name = self.add("merge", self.random.choice((3, 3.1, 3.2)), self.random.choice(MERGES))
        self.wire(one, name, 0)
        self.wire(other, name, 1)
        self.last = [each for each in self.last if each not in (one, other)] + [(name, 0)]

    def loop(self) -> None:
        """Add a loop with one or two nodes in its body."""
        options = self.random.choice(({}, {}, {"reset": "={{ $runIndex === 4 }}"}))
        name = self.step("splitInBatches", 3, {"batchSize": self.random.choice((1, 2)), "options": options})
        before, self.last = self.last, [(name, 1)]
        for _ in range(self.random.choice((1, 1, 2))):
            kind = self.random.choice((self.code, self.split, self.call, self.merge))
            kind()
        for source in self.last:
            self.wire(source, name)
        self.last = before
        for node in self.nodes:
            if node["name"] == name:
                node.pop("onError", None)
        self.last = [each for each in self.last if each != (name, 1)]

    def branch(self) -> None:
        """Add an IF node whose outputs both go on."""
        operator = {"type": "number", "operation": "gt"}
        condition = {
            "id": "1",
            "leftValue": "={{ $json.id }}",
            "rightValue": self.random.choice((1, 2)),
            "operator": operator,
        }
        options = {"version": 2, "typeValidation": self.random.choice(("loose", "loose", "strict"))}
        conditions = {"options": options, "combinator": "and", "conditions": [condition]}
        name = self.step("if", 2.2, {"conditions": conditions, "options": {}})
        if (name, 1) not in self.last:
            self.last.append((name, 1))

    def call(self) -> None:
        """Add a call of a sub-workflow."""
        if self.depth > 1:
            self.code()
            return
        inner = Flow(self.random, depth=self.depth + 1)
        key = f"sub-{self.depth}-{len(self.subworkflows)}-{self.random.randrange(1000)}"
        export = inner.workflow(
            self.random.randint(1, 3), self.random.choice(("executeWorkflowTrigger",) * 5 + ("manualTrigger",))
        )
        self.subworkflows |= {key: export, **inner.subworkflows}
        parameters = {"workflowId": {"__rl": True, "mode": "id", "value": key if self.random.random() < 0.95 else "nowhere"},
                      "options": self.random.choice(({}, {}, {}, {"waitForSubWorkflow": False}))}  # fmt: skip
        if self.random.random() < 0.4:
            parameters["mode"] = "each"
        self.step("executeWorkflow", self.random.choice((1, 1.1, 1.2)), parameters)

    def fail(self) -> None:
        """Add a node that stops the run, now and then."""
        if self.random.random() < 0.5:
            self.split()
            return
        source = self.random.choice(self.last)
        flags = self.random.choice(({}, {}, {"onError": "continueRegularOutput"}))
        name = self.add("stopAndError", 1, self.random.choice(FAILURES), **flags)
        self.wire(source, name)

    def ask(self, name: str, output: int) -> None:
        """Add a node that looks back at some nodes before it."""
        names = [each["name"] for each in self.nodes]
        fields = [
            {"id": str(i), "name": f"f{i}", "type": "string",
             "value": "={{ JSON.stringify(" + self.random.choice(ASKED).format(self.random.choice(names)) + ") }}"}
            for i in range(2)
        ]  # fmt: skip
        flags = {"onError": "continueRegularOutput"} if self.random.random() < 0.5 else {}
        asking = self.add(
            "set", 3.4, {"assignments": {"assignments": fields}, "options": {}}, f"Ask {name} {output}", **flags
        )
        self.wire((name, output), asking)


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return `count` flows, as cases without what n8n gives."""
    draw = random.Random(seed)  # noqa: S311 - the point is to draw it again
    cases = []
    for i in range(count):
        flow = Flow(draw)
        export = flow.workflow(draw.randint(2, 7), draw.choice(("executeWorkflowTrigger",) * 4 + ("errorTrigger",)))
        cases.append({
            "name": f"flow-{seed}-{i}", "group": "F", "about": "a fresh flow", "volatile": [], "start": "Start", "mode": "trigger",
            "workflow": export, "input": [{"json": each} for each in draw.choice(ITEMS)],
            **({"subworkflows": flow.subworkflows} if flow.subworkflows else {}),
        })  # fmt: skip
    return cases
