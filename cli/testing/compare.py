"""The rules by which recorded cases are graded: when two results mean the same."""

import math
from collections.abc import Collection, Mapping
from typing import Any

NOTHING_SKIPPED: frozenset[str] = frozenset()


def difference(expected: Any, actual: Any, pointer: str = "", skip: Collection[str] = NOTHING_SKIPPED) -> str | None:
    """Return the JSON Pointer of the first difference, or None. Numbers agree within 1e-9, key order does not count, a
    `$number` tag may be null.
    """
    if pointer in skip or _tagged(expected, actual) or _tagged(actual, expected):
        return None
    here = pointer or "/"
    if isinstance(expected, bool) or isinstance(actual, bool):
        return None if expected is actual else here
    if isinstance(expected, (int, float)) and isinstance(actual, (int, float)):
        return None if expected == actual or math.isclose(expected, actual, rel_tol=1e-9) else here
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _objects(expected, actual, pointer, skip)
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return here
        pairs = enumerate(zip(expected, actual, strict=True))
        return next(
            (place for i, (a, b) in pairs if (place := difference(a, b, f"{pointer}/{i}", skip)) is not None), None
        )
    return None if type(expected) is type(actual) and expected == actual else here


def _tagged(value: Any, other: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"$number"} and other is None


def _objects(expected: Mapping[str, Any], actual: Mapping[str, Any], pointer: str, skip: Collection[str]) -> str | None:
    for key in [*expected, *(key for key in actual if key not in expected)]:
        inner = f"{pointer}/{escape(key)}"
        if inner in skip:
            continue
        if (key in expected) != (key in actual):
            return inner
        if (place := difference(expected[key], actual[key], inner, skip)) is not None:
            return place
    return None


def escape(key: str) -> str:
    """Return a key as a part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def levels(case: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, str]:
    """Return level -> JSON Pointer of its first difference, for the levels status, order, outputs, response, pairedItem,
    source, error.node and error.message.
    """
    expected = case["expected"]
    skip = {*case.get("volatile", ()), *case.get("engineDifference", ())}
    differences: dict[str, str] = {}

    def put(level: str, pointer: str | None) -> None:
        if pointer is not None:
            differences.setdefault(level, pointer)

    put("status", difference(expected["status"], actual.get("status"), "/expected/status", skip))
    if expected["status"] != "not-started":
        if "order" in expected:
            put("order", difference(expected["order"], actual.get("order"), "/expected/order", skip))
        _compare_nodes(expected["nodes"], compared_nodes(expected, actual), skip, put)
        put("response", difference(expected.get("response"), actual.get("response"), "/expected/response", skip))
    error = expected.get("error") or {}
    compared = {"message"} if expected["status"] == "not-started" else {"node", "message"}
    for key in sorted(compared & error.keys()):  # a case may leave out what it does not care about
        got = (actual.get("error") or {}).get(key)
        put(f"error.{key}", difference(error[key], got, f"/expected/error/{key}", skip))
    return differences


def compared_nodes(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the runs of the nodes that are compared: of all that ran, or, in a case without an order, of those it names."""
    ran: Mapping[str, Any] = actual.get("nodes") or {}
    return ran if "order" in expected else {name: runs for name, runs in ran.items() if name in expected["nodes"]}


def _compare_nodes(expected: Mapping[str, Any], actual: Mapping[str, Any], skip: Collection[str], put: Any) -> None:
    for name in sorted({*expected, *actual}):
        pointer = f"/expected/nodes/{escape(name)}"
        if pointer in skip:
            continue
        want, got = expected.get(name), actual.get(name)
        if want == [] and got is None:  # a case may say that a node does not run
            continue
        if want is None or got is None or len(want) != len(got):
            put("outputs", pointer)
            continue
        for i, (a, b) in enumerate(zip(want, got, strict=True)):
            put("outputs", difference(a.get("outputs"), b.get("outputs"), f"{pointer}/{i}/outputs", skip))
            put(
                "pairedItem",
                difference(
                    pairing(a.get("pairedItem")), pairing(b.get("pairedItem")), f"{pointer}/{i}/pairedItem", skip
                ),
            )
            put("source", difference(a.get("source"), b.get("source"), f"{pointer}/{i}/source", skip))


def pairing(value: Any) -> Any:
    """Return pairings in one form: `n` is `{item: n}`, `input` 0 is absent."""
    if isinstance(value, list):
        return [pairing(each) for each in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"item": value}
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if not (key == "input" and each in (0, None))}
    return value


DECISIVE_LEVELS = frozenset({"status", "outputs", "order", "response"})
"""The levels that decide whether a case passes; the others are reported in addition."""


def real_faults(case: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    """Return what differs in a case of a real export (`offline` names the nodes that ran), one sentence each."""
    expected, volatile = case["expected"], set(case.get("volatile", ()))
    faults: list[str] = []
    if not case.get("order_volatile"):
        faults += _run_faults(expected, actual)
    nodes = actual.get("nodes") or {}
    for name, runs in expected["nodes"].items():
        if name in volatile:
            continue
        if (fault := _node_fault(runs, nodes.get(name))) is not None:
            faults.append(f"{name}: {fault}")
    if not case.get("order_volatile"):
        faults += [f"{name}: ran, not expected" for name in nodes if name not in expected["nodes"]]
    return faults


def _run_faults(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    faults = []
    if actual.get("status") != expected["status"]:
        faults.append(f"status {actual.get('status')}, expected {expected['status']}")
    node, expected_node = (actual.get("error") or {}).get("node"), (expected.get("error") or {}).get("node")
    if node != expected_node:
        faults.append(f"error in {node}, expected in {expected_node}")
    if [list(each) for each in actual.get("order") or []] != expected["order"]:
        faults.append("order")
    return faults


def _node_fault(expected: list[Any], actual: list[Any] | None) -> str | None:
    if actual is None:
        return "not run"
    if len(actual) != len(expected):
        return f"{len(actual)} runs, expected {len(expected)}"
    for i, (got, want) in enumerate(zip(actual, expected, strict=True)):
        pointer = difference(trim(want.get("outputs")), trim(got.get("outputs")))
        if pointer is not None:
            return f"run {i} differs at {pointer}"
        if bool(got.get("error")) != bool(want.get("error")):
            return f"run {i} {'has an error' if got.get('error') else 'has no error'}"
    return None


def trim(outputs: Any) -> list[Any]:
    """Return outputs without trailing empty ones; null is empty."""
    trimmed = list(outputs or [])
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    return [each or [] for each in trimmed]
