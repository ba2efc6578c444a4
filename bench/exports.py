"""The workflows that are measured, as n8n exports."""

import itertools
from typing import Any

Export = dict[str, Any]


def node(name: str, type_: str, version: float, parameters: dict[str, Any], x: int, y: int = 0) -> dict[str, Any]:
    """One node of an export."""
    return {
        "id": name,
        "name": name,
        "type": f"n8n-nodes-base.{type_}",
        "typeVersion": version,
        "position": [x, y],
        "parameters": parameters,
    }


def chain(*nodes: dict[str, Any], extra: dict[str, Any] | None = None) -> Export:
    """Nodes one after the other, output 0 to input 0."""
    connections: dict[str, Any] = {
        a["name"]: {"main": [[{"node": b["name"], "type": "main", "index": 0}]]} for a, b in itertools.pairwise(nodes)
    }
    connections.update(extra or {})
    return {
        "name": "bench",
        "nodes": list(nodes),
        "connections": connections,
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
    }


def set_node(name: str, x: int, fields: dict[str, str], kind: str = "number") -> dict[str, Any]:
    """Edit Fields that keeps the rest of the item."""
    assignments = [{"id": key, "name": key, "value": value, "type": kind} for key, value in fields.items()]
    return node(
        name,
        "set",
        3.4,
        {"assignments": {"assignments": assignments}, "includeOtherFields": True, "options": {}},
        x,
    )


def condition(left: str, operation: str, right: object) -> dict[str, Any]:
    """A number filter with one condition."""
    return {
        "options": {"caseSensitive": True, "leftValue": "", "typeValidation": "loose", "version": 2},
        "combinator": "and",
        "conditions": [
            {"id": "c", "leftValue": left, "rightValue": right, "operator": {"type": "number", "operation": operation}}
        ],
    }


START = node("Start", "manualTrigger", 1, {}, 0)


def ten_sets(expressions: int) -> Export:
    """Ten Set nodes with so many expressions each."""
    fields = {f"f{k}": "={{ $json.n + " + str(k) + " }}" for k in range(expressions)}
    plain = {"f": "1"}
    return chain(START, *[set_node(f"Set{i}", 200 * (i + 1), fields if expressions else plain) for i in range(10)])


def wide() -> Export:
    """Set, If, Set, Filter, Set: about 10.7 evaluations per item."""
    three = {
        "a": "={{ $json.n * 2 }}",
        "b": "={{ $json.name.toUpperCase() }}",
        "c": "=x{{ $json.n }}-{{ $json.name }}",
    }
    return chain(
        START,
        set_node("Set1", 200, three, "string"),
        node("If", "if", 2.2, {"conditions": condition("={{ $json.n }}", "gte", 0), "options": {}}, 400),
        set_node("Set2", 600, {key + "2": value for key, value in three.items()}, "string"),
        node("Filter", "filter", 2.2, {"conditions": condition("={{ $json.n }}", "gte", 0), "options": {}}, 800),
        set_node("Set3", 1000, {key + "3": value for key, value in three.items()}, "string"),
    )


def loop() -> Export:
    """Loop Over Items, one at a time, over a Set."""
    batches = node("Loop", "splitInBatches", 3, {"batchSize": 1, "options": {}}, 200)
    body = set_node("Body", 400, {"m": "={{ $json.n + 1 }}"})
    done = node("Done", "noOp", 1, {}, 400, -200)
    return chain(
        START,
        batches,
        extra={
            "Loop": {
                "main": [
                    [{"node": "Done", "type": "main", "index": 0}],
                    [{"node": "Body", "type": "main", "index": 0}],
                ]
            },
            "Body": {"main": [[{"node": "Loop", "type": "main", "index": 0}]]},
        },
    ) | {"nodes": [START, batches, body, done]}


def code() -> Export:
    """One Code node."""
    return chain(
        START, node("Code", "code", 2, {"jsCode": "return $input.all().map(i => ({json: {m: i.json.n + 1}}))"}, 200)
    )


def webhook() -> Export:
    """Webhook, five Sets with two expressions each, If, Respond to Webhook."""
    sets = [
        set_node(f"Set{i}", 200 * (i + 1), {f"a{i}": "={{ $json.body.n }}", f"b{i}": "={{ $json.body.n + 1 }}"})
        for i in range(5)
    ]
    return chain(
        node(
            "Webhook",
            "webhook",
            2,
            {"httpMethod": "POST", "path": "bench", "responseMode": "responseNode", "options": {}},
            0,
        ),
        *sets,
        node("If", "if", 2.2, {"conditions": condition("={{ $json.body.n }}", "gte", 0), "options": {}}, 1200),
        node("Respond", "respondToWebhook", 1.1, {"respondWith": "firstIncomingItem", "options": {}}, 1400),
    )


def rounds(count: int, every: int, hook: dict[str, Any]) -> Export:
    """A number that is counted up to `count` in a loop of nodes, with a request, static data and custom data every so often."""

    def when(name: str, left: str, operation: str, right: int) -> dict[str, Any]:
        operator = {"type": "number", "operation": operation}
        options = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2}
        rule = {"id": "1", "leftValue": left, "rightValue": right, "operator": operator}
        return node(name, "if", 2.2, {"conditions": {"options": options, "conditions": [rule], "combinator": "and"}}, 0)

    def to(*targets: str) -> list[dict[str, Any]]:
        return [{"node": target, "type": "main", "index": 0} for target in targets]

    code = (
        "const kept = $getWorkflowStaticData('global'); kept.rounds = (kept.rounds ?? 0) + 1;"
        "const n = $('Count').last().json.n; $execution.customData.set('at', String(n)); return [{json: {n}}];"
    )
    nodes = [
        hook,
        set_node("Count", 200, {"n": "={{ ($json.n ?? 0) + 1 }}"}, "number"),
        when("Due", "={{ $json.n % " + str(every) + " }}", "equals", 0),
        node("Call", "httpRequest", 4.2, {"url": "https://example.com/{{ $json.n }}", "options": {}}, 500),
        node("Work", "code", 2, {"jsCode": code}, 600),
        when("Over", "={{ $json.n }}", "gte", count),
        set_node("Done", 1000, {"n": "={{ $json.n }}", "works": "={{ $('Work').last().json.n }}"}, "number"),
    ]
    return {
        "name": "Rounds", "nodes": nodes, "settings": {"executionOrder": "v1"},
        "connections": {
            hook["name"]: {"main": [to("Count")]}, "Count": {"main": [to("Due")]},
            "Due": {"main": [to("Call"), to("Over")]}, "Call": {"main": [to("Work")]}, "Work": {"main": [to("Over")]},
            "Over": {"main": [to("Done"), to("Count")]},
        },
    }  # fmt: skip
