"""Runs that would hand out what nobody takes: how each of them ends, on every host."""

from dataclasses import dataclass, field
from typing import Any

from bench.exports import START, chain, node, set_node

__all__ = ["CASES", "CHILD", "LIMIT", "Case"]

LIMIT = 100_000
"""Bytes that these runs may hand out at a time."""
HALF_EMOJI = "\ud83d"

CHILD = chain(
    node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0), set_node("Set", 200, {"a": "1"})
)
"""The workflow `child`, which cases may call."""
CALL = node(
    "Call", "executeWorkflow", 1.2, {"workflowId": {"__rl": True, "value": "child", "mode": "id"}, "options": {}}, 200
)


@dataclass
class Case:
    """A run and its end. `node` and `message` (the beginning) are those of its error; None: it succeeds."""

    export: dict[str, Any]
    message: str | None
    node: str | None = None
    items: list[dict[str, Any]] = field(default_factory=lambda: [{"json": {"n": 1}}])
    outputs: Any = None
    """What it gives out; None: anything."""


def code(text: str, **more: Any) -> dict[str, Any]:
    """A Code node."""
    return node("Code", "code", 2, {"jsCode": text}, 200) | more


def stop(message: str) -> dict[str, Any]:
    """A Stop and Error node."""
    return node("Stop", "stopAndError", 1, {"errorMessage": message}, 400)


def large(size: int) -> list[dict[str, Any]]:
    """One item of about so many bytes."""
    return [{"json": {"text": "x" * size}}]


HTTP = node("HTTP", "httpRequest", 4.2, {"url": "https://example.org", "options": {}}, 200)
NESTED = "let v = 1; for (let i = 0; i < {n}; i++) v = [v]; return [{{json: {{v}}}}];"

CASES: dict[str, Case] = {
    "an activity whose input is too large": Case(
        chain(START, HTTP), "The input of 'HTTP' has ", "HTTP", large(LIMIT)
    ),
    "a local activity whose input is too large": Case(
        chain(START, node("Crypto", "crypto", 1, {"action": "hash", "type": "MD5", "value": "={{ $json.text }}"}, 200)),
        "The input of 'Crypto' has ", "Crypto", large(LIMIT),
    ),
    "an input that fits once and not twice": Case(
        chain(START, code("return [{json: {n: $input.all().length}}]")), None, items=large(60_000), outputs=[{"n": 1}]
    ),
    "an output that is too large": Case(
        chain(START, code("return [{json: {text: 'x'.repeat(200000)}}]")), "The output of 'Code' has 200,", "Code"
    ),
    "an output that is too large, and a step that goes on": Case(
        chain(START, code("return [{json: {text: 'x'.repeat(200000)}}]", onError="continueRegularOutput"),
              set_node("After", 400, {"a": "2"})),
        None,
    ),
    "a sub-workflow whose input is too large": Case(
        chain(START, CALL), "The input of the workflow that 'Call' calls has ", "Call", large(LIMIT)
    ),
    "a result that is too large": Case(
        chain(START, set_node("Twice", 200, {"more": "={{ $json.text }}"}, "string")), "The result of the run has ",
        "Twice", large(60_000),
    ),
    "a message of two megabytes": Case(
        chain(START, stop("={{ $json.text }}")), "x" * 4_000, "Stop", large(2_200_000)
    ),
    "a message with half an emoji": Case(
        chain(START, stop(f"={{{{ '{'a😀'}'.slice(0, 2) }}}} halt")), "a", "Stop"
    ),
    "half an emoji in an item": Case(
        chain(START, code("return [{json: {text: 'a😀'.slice(0, 2)}}]"), set_node("After", 400, {"b": "2"})), None,
        outputs=[{"text": f"a{HALF_EMOJI}", "b": 2}],
    ),
    "an item as deep as it may be": Case(chain(START, code(NESTED.format(n=199))), None),
    "an item that is one level too deep": Case(
        chain(START, code(NESTED.format(n=200))), "The output of 'Code' is nested deeper than 200 levels", "Code"
    ),
    "an item of 3,000 levels": Case(
        chain(START, code(NESTED.format(n=3000))), "The output of the code is nested deeper than 200 levels", "Code"
    ),
    "a deep item out of an expression": Case(
        chain(START, set_node("Deep", 200, {"v": "={{ JSON.parse('['.repeat(300) + ']'.repeat(300)) }}"}, "array")),
        "The expression gives a value that is nested deeper than 200 levels", "Deep",
    ),
    "a number that is none": Case(
        chain(START, code("return [{json: {a: NaN, b: 1 / 0, c: 'a😀'.slice(0, 2)}}]")), None,
        outputs=[{"a": None, "b": None, "c": f"a{HALF_EMOJI}"}],
    ),
    "a node with a name of 300 letters": Case(
        chain(START, node("n" * 300, "httpRequest", 4.2, {"url": "https://example.org", "options": {}}, 200)), None
    ),
}  # fmt: skip
