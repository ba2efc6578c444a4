"""Fresh single nodes in the places that mutants seldom reach: conditions on odd values, inputs of sub-workflows, files on their way
through nodes, dates in time zones, and each way of going on after an error. They are drawn from a seed.

Behind the node another one asks for the paired item and the file of what comes out.
"""

import copy
import json
import random
from collections.abc import Callable
from typing import Any, Final

from tests.conformance.fresh.mutants import NO_SUBJECT, ODD, VOLATILE, nodes_of_type
from tests.conformance.fresh.setting_values import (
    DATE_NODES,
    FILE_NODES,
    FILES,
    INPUT_TYPES,
    ITEMS,
    LEFT,
    OLD_OPERATORS,
    OPERATORS,
    RIGHT,
    ZONES,
)

__all__ = ["draw_cases"]

Case = dict[str, Any]
Node = dict[str, Any]
_ASKING: Final = (
    "={{ $('Start').item.json.id }}", "={{ $itemIndex }} {{ $json.error }}", "={{ Object.keys($binary ?? {}).join() }}",
    "={{ $prevNode.name }} {{ $prevNode.outputIndex }} {{ $prevNode.runIndex }}", "={{ $('Start').itemMatching($itemIndex).json.id }}",
    "={{ $input.item.pairedItem?.item ?? $input.item.pairedItem }}", "={{ JSON.stringify($json).length }}",
)  # fmt: skip
_NO_SUBJECT: Final = NO_SUBJECT | {
    f"n8n-nodes-base.{each}" for each in ("webhook", "respondToWebhook", "wait", "executeWorkflow")
}


_CODE: Final = ("jsCode", "functionCode", "pythonCode", "errorMessage", "operation", "resource")
"""What is code, or is no expression in any export."""


class _Setting:
    """Draws one workflow of a start, a node, and one that asks behind each of its outputs."""

    def __init__(self, draw: random.Random) -> None:
        self.random = draw
        self.subworkflows: dict[str, Any] = {}
        self.items: list[dict[str, Any]] = [{"json": copy.deepcopy(each)} for each in draw.choice(ITEMS)]
        self.kinds: tuple[Callable[[], tuple[str, float, dict[str, Any]]], ...] = (
            self.conditions, self.conditions, self.older_conditions, self.inputs, self.files, self.files, self.dates, self.dates, self.error,
            self.error,
        )  # fmt: skip

    def drawn(self, name: str) -> Case:
        """Return the case without what n8n gives."""
        kind = self.random.choice(self.kinds)
        type_, version, parameters = kind()
        subject = self._node("X", type_, version, parameters) | self._flags(often=kind == self.error)
        start = self._node("Start", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"})
        nodes, connections = [start, subject], {"Start": {"main": [[{"node": "X", "type": "main", "index": 0}]]}}
        behind: list[Any] = []
        for output in range(self.random.choice((1, 2, 2, 4))):
            fields = [{"id": "1", "name": "asked", "type": "string", "value": self.random.choice(_ASKING)}]
            asking = {
                "assignments": {"assignments": fields},
                "includeOtherFields": self.random.random() < 0.5,
                "options": {},
            }
            nodes.append(self._node(f"Ask {output}", "set", 3.4, asking))
            behind.append([{"node": f"Ask {output}", "type": "main", "index": 0}])
        connections["X"] = {"main": behind}
        if type_ in ("merge", "compareDatasets"):
            connections["Start"]["main"][0].append({"node": "X", "type": "main", "index": 1})
        settings: dict[str, Any] = {
            "executionOrder": self.random.choice(("v1", "v1", "v0")),
            "timezone": self.random.choice(ZONES),
        }
        workflow = {"id": "wf1", "name": "Case", "nodes": nodes, "connections": connections, "settings": settings}
        about = f"{kind.__name__} of {type_} {version}"
        case = {
            "name": f"{name}-{kind.__name__}",
            "group": "F",
            "about": about,
            "volatile": [],
            "start": "Start",
            "mode": "trigger",
        }
        return {
            **case,
            "workflow": workflow,
            "input": self.items,
            **({"subworkflows": self.subworkflows} if self.subworkflows else {}),
        }

    def _node(self, name: str, type_: str, version: float, parameters: dict[str, Any]) -> Node:
        type_ = type_ if "." in type_ else f"n8n-nodes-base.{type_}"
        return {
            "id": f"id-{name}",
            "name": name,
            "type": type_,
            "typeVersion": version,
            "position": [0, 0],
            "parameters": parameters,
        }

    def _flags(self, *, often: bool) -> dict[str, Any]:
        flags: dict[str, Any] = {}
        if self.random.random() < (0.9 if often else 0.35):
            flags["onError"] = self.random.choice(("continueRegularOutput", "continueErrorOutput"))
        if self.random.random() < 0.1:
            flags[self.random.choice(("alwaysOutputData", "executeOnce", "continueOnFail"))] = True
        return flags

    def conditions(self) -> tuple[str, float, dict[str, Any]]:
        """Draw an If, Filter or Switch node with conditions of one of the newer versions."""
        options = {
            "caseSensitive": self.random.random() < 0.7, "leftValue": "", "typeValidation": self.random.choice(("strict", "loose")),
            "version": self.random.choice((1, 2, 2, 3)),
        }  # fmt: skip
        if self.random.random() < 0.1:
            del options[self.random.choice(list(options))]
        conditions = [self._condition(i) for i in range(self.random.choice((1, 1, 1, 2)))]
        held = {"options": options, "conditions": conditions, "combinator": self.random.choice(("and", "or"))}
        more: dict[str, Any] = {}
        for option in ("looseTypeValidation", "ignoreCase"):
            if self.random.random() < 0.15:
                more[option] = self.random.choice((True, False))
        type_ = self.random.choice(("if", "filter", "switch"))
        if type_ != "switch":
            return type_, self.random.choice((2, 2.1, 2.2, 2.3)), {"conditions": held, "options": more}
        if self.random.random() < 0.4:
            more["fallbackOutput"] = self.random.choice(("none", "extra", 0))
        if self.random.random() < 0.2:
            more["allMatchingOutputs"] = True
        rules = [
            {"conditions": held},
            {"conditions": {**held, "conditions": [self._condition(9)]}, "renameOutput": True, "outputKey": "k"},
        ]
        return type_, self.random.choice((3, 3.1, 3.2, 3.3, 3.4)), {"rules": {"values": rules}, "options": more}

    def _condition(self, number: int) -> dict[str, Any]:
        type_ = self.random.choice(list(OPERATORS))
        operation = self.random.choice(OPERATORS[type_].split())
        operator: dict[str, Any] = {"type": type_, "operation": operation}
        if operation in ("exists", "notExists", "empty", "notEmpty", "true", "false"):
            operator["singleValue"] = True
        right = self.random.choice(RIGHT[type_] if self.random.random() < 0.75 else ODD)
        return {"id": f"c{number}", "leftValue": self.random.choice(LEFT), "rightValue": right, "operator": operator}

    def older_conditions(self) -> tuple[str, float, dict[str, Any]]:
        """Draw an If, Filter or Switch node of the first versions."""
        type_ = self.random.choice(("if", "filter", "switch"))
        kind = self.random.choice(list(OLD_OPERATORS))
        rules = []
        for number in range(self.random.choice((1, 2))):
            right = self.random.choice(RIGHT[kind] if self.random.random() < 0.75 else ODD)
            rules.append(
                {"operation": self.random.choice(OLD_OPERATORS[kind].split()), "value2": right, "output": number}
            )
        if type_ == "switch":
            parameters = {"dataType": kind, "value1": self.random.choice(LEFT), "rules": {"rules": rules}}
            return type_, self.random.choice((1, 2)), {**parameters, "fallbackOutput": self.random.choice((-1, 0, 3))}
        conditions = {kind: [{**each, "value1": self.random.choice(LEFT)} for each in rules]}
        if type_ == "if":
            return type_, 1, {"conditions": conditions, "combineOperation": self.random.choice(("all", "any"))}
        return type_, 1, {"conditions": conditions, "combineConditions": self.random.choice(("AND", "OR"))}

    def inputs(self) -> tuple[str, float, dict[str, Any]]:
        """Draw a call of a sub-workflow that declares its inputs, or does not."""
        fields = [
            {"name": name, "type": self.random.choice(INPUT_TYPES)}
            for name in self.random.sample(("id", "a", "date", "new"), 2)
        ]
        for each in fields:
            if each["type"] == "":
                del each["type"]
        example = json.dumps({each["name"]: self.random.choice((1, "x", True, None, [1], {"p": 1})) for each in fields})
        trigger = self.random.choice((
            {"workflowInputs": {"values": fields}}, {"workflowInputs": {"values": fields}}, {"inputSource": "jsonExample", "jsonExample": example},
            {"inputSource": "passthrough"}, {},
        ))  # fmt: skip
        nodes = [
            self._node("Called", "executeWorkflowTrigger", self.random.choice((1, 1.1, 1.1, 1.1)), trigger),
            self._node("Inner", "code", 2,
                {"jsCode": "return items.map((i, n) => ({ json: { got: i.json, n }, binary: i.binary, pairedItem: n }));"}),
        ]  # fmt: skip
        connections = {"Called": {"main": [[{"node": "Inner", "type": "main", "index": 0}]]}}
        self.subworkflows["sub"] = {
            "id": "sub",
            "name": "Sub",
            "nodes": nodes,
            "connections": connections,
            "settings": {"executionOrder": "v1"},
        }
        schema = [
            {"id": each["name"], "displayName": each["name"], "required": self.random.random() < 0.2, "defaultMatch": False, "display": True,
             "canBeUsedToMatch": True, "type": each.get("type", "any"), "removed": self.random.random() < 0.1} for each in fields
        ]  # fmt: skip
        inputs = {
            "mappingMode": self.random.choice(("defineBelow", "defineBelow", "defineBelow", "autoMapInputData")),
            "value": {each["name"]: self.random.choice((*LEFT, *ODD)) for each in fields if self.random.random() < 0.85}, "schema": schema,
            "attemptToConvertTypes": self.random.random() < 0.5, "convertFieldsToString": self.random.random() < 0.5, "matchingColumns": [],
        }  # fmt: skip
        parameters: dict[str, Any] = {
            "workflowId": {"__rl": True, "mode": "id", "value": "sub"},
            "workflowInputs": inputs,
            "options": {},
        }
        if self.random.random() < 0.4:
            parameters["mode"] = "each"
        return "executeWorkflow", self.random.choice((1.1, 1.2, 1.2, 1.3)), parameters

    def files(self) -> tuple[str, float, dict[str, Any]]:
        """Draw a node in whose way are items with files."""
        for each in self.items:
            if self.random.random() < 0.85:
                names = self.random.sample(("data", "data", "file", "attachment_0"), self.random.choice((1, 1, 2)))
                each["binary"] = {name: copy.deepcopy(self.random.choice(FILES)) for name in names}
        if self.random.random() < 0.6:
            type_, versions, parameters = self.random.choice(FILE_NODES)
            return type_, self.random.choice(versions), copy.deepcopy(parameters)
        return self._recorded()

    def dates(self) -> tuple[str, float, dict[str, Any]]:
        """Draw a node that reads or writes dates."""
        type_, versions, parameters = self.random.choice(DATE_NODES)
        drawn = {
            key: self.random.choice(value) if isinstance(value, tuple) else value for key, value in parameters.items()
        }
        if "startDate" in drawn:  # the time since a date that is missing shows the time of day
            self.items = [each for each in self.items if "date" in each["json"]] or [{"json": {"date": "2024-02-29"}}]
        return type_, self.random.choice(versions), copy.deepcopy(drawn)

    def error(self) -> tuple[str, float, dict[str, Any]]:
        """Draw a node one of whose parameters fails at some items."""
        type_, version, parameters = self._recorded()
        plain = [key for key, value in parameters.items() if isinstance(value, str) and key not in _CODE]
        if plain and self.random.random() < 0.7:
            failing = ("={{ $json.id === 2 ? $json.nope.x : $json.id }}", "={{ $json.id.foo() }}", "={{ $('Nowhere').item.json.a }}",
                       "={{ (() => { throw new Error('thrown') })() }}", "={{ $json.missing }}",
                       "={{ $json.id === 1 ? undefined : 'a' }}")  # fmt: skip
            parameters[self.random.choice(plain)] = self.random.choice(failing)
        return type_, version, parameters

    def _recorded(self) -> tuple[str, float, dict[str, Any]]:
        """Return the type, version and parameters of a recorded node, each type as often as every other."""
        type_ = self.random.choice([each for each in nodes_of_type() if each not in _NO_SUBJECT])
        node = copy.deepcopy(self.random.choice(nodes_of_type()[type_]))
        short = type_.removeprefix("n8n-nodes-base.")
        return short, node.get("typeVersion", 1), node.get("parameters") or {}


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return `count` workflows, as cases without what n8n gives."""
    draw = random.Random(seed)  # noqa: S311 - the point is to draw it again
    cases: list[Case] = []
    while len(cases) < count:
        case = _Setting(draw).drawn(f"settings-{seed}-{len(cases)}")
        if not VOLATILE.search(json.dumps(case["workflow"])):
            cases.append(case)
    return cases
