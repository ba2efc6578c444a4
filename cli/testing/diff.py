"""The differences between a case and a run, node by node, as lines for a terminal."""

from collections.abc import Iterator, Mapping
from itertools import islice, zip_longest
from typing import Any, Final

from cli.support.json_text import json_text
from cli.testing.compare import compared_nodes, difference, escape, pairing

__all__ = ["describe_differences"]

MAX_DIFFERENCES: Final = 8
"""Differences that are shown of one output; more are counted."""
MAX_VALUE_WIDTH: Final = 100
"""Characters of a value that are shown."""
ABSENT: Final = object()


def describe_differences(case: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    """Return lines: status and error first, then the order, then each node with its runs and outputs."""
    expected = case["expected"]
    skip = {*case.get("volatile", ()), *case.get("engineDifference", ())}
    return [
        *_outcome(expected, actual),
        *_order(expected, actual, skip),
        *_nodes(expected, actual, skip),
        *_response(expected, actual, skip),
    ]


def _outcome(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[str]:
    if expected["status"] != actual.get("status"):
        yield f"status: expected {expected['status']}, got {actual.get('status')}"
    want, got = expected.get("error") or {}, actual.get("error") or {}
    for key in ("node", "message"):
        if want and key not in want:  # the case does not compare it
            continue
        if want.get(key) != got.get(key):
            yield f"error {key}: expected {_short(want.get(key, ABSENT))}, got {_short(got.get(key, ABSENT))}"


def _order(expected: Mapping[str, Any], actual: Mapping[str, Any], skip: set[str]) -> Iterator[str]:
    if "order" not in expected:
        return
    want, got = expected["order"], actual.get("order") or []
    if difference(want, got, "/expected/order", skip) is None:
        return
    place = next(i for i, (a, b) in enumerate(zip_longest(want, got)) if a != b)
    yield f"order: differs from place {place + 1} on: expected {_steps(want[place:])}, got {_steps(got[place:])}"


def _steps(order: list[Any]) -> str:
    text = " > ".join(f"{name}[{run}]" for name, run in order[:4]) or "the end"
    return text + (" > ..." if len(order) > 4 else "")


def _nodes(expected: Mapping[str, Any], actual: Mapping[str, Any], skip: set[str]) -> Iterator[str]:
    ran = compared_nodes(expected, actual)
    for name in dict.fromkeys([*expected["nodes"], *ran]):
        pointer = f"/expected/nodes/{escape(name)}"
        want, got = expected["nodes"].get(name, []), ran.get(name, [])
        if pointer in skip:
            continue
        if len(want) != len(got):
            yield f"{name}: expected {_times(len(want))}, ran {_times(len(got))}"
        for run, (a, b) in enumerate(zip(want, got, strict=False)):
            yield from _run(f"{name}, run {run}" if len(want) > 1 else name, f"{pointer}/{run}", (a, b), skip)


def _response(expected: Mapping[str, Any], actual: Mapping[str, Any], skip: set[str]) -> Iterator[str]:
    want, got = (ABSENT if each.get("response") is None else each["response"] for each in (expected, actual))
    yield from _differ(want, got, "/expected/response", "response", skip)


def _times(count: int) -> str:
    return {0: "not at all", 1: "once"}.get(count, f"{count} times")


def _run(where: str, pointer: str, pair: tuple[Any, Any], skip: set[str]) -> Iterator[str]:
    want, got = pair
    a, b = want.get("outputs"), got.get("outputs")
    if (a is None) != (b is None):
        yield f"{where}: expected {'no outputs' if a is None else 'outputs'}, got {'none' if b is None else 'some'}"
        return
    for output, (x, y) in enumerate(zip_longest(a or [], b or [], fillvalue=ABSENT)):
        place = f"{where}, output {output}" if len(a or b or []) > 1 else where
        lines = list(islice(_differ(x, y, f"{pointer}/outputs/{output}", "", skip), MAX_DIFFERENCES + 1))
        yield from (f"{place}: {line}" for line in lines[:MAX_DIFFERENCES])
        if len(lines) > MAX_DIFFERENCES:
            yield f"{place}: and more"
    if "pairedItem" in want and difference(
        pairing(want["pairedItem"]), pairing(got.get("pairedItem")), f"{pointer}/pairedItem", skip
    ):
        yield f"{where}: items are paired differently (this does not count)"


def _differ(want: Any, got: Any, pointer: str, path: str, skip: set[str]) -> Iterator[str]:
    """Yield lines "path: expected a, got b" for every leaf that differs."""
    if pointer in skip or (want is not ABSENT and got is not ABSENT and difference(want, got, pointer, skip) is None):
        return
    if isinstance(want, dict) and isinstance(got, dict) and "$number" not in want:
        for key in dict.fromkeys([*want, *got]):
            inner = f"{path}.{key}" if key.isidentifier() else f"{path}[{json_text(key)}]"
            yield from _differ(want.get(key, ABSENT), got.get(key, ABSENT), f"{pointer}/{escape(key)}", inner, skip)
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            what = "items" if not path else f"elements in {path}"
            yield f"expected {len(want)} {what}, got {len(got)}"
        for i, (a, b) in enumerate(zip(want, got, strict=False)):
            yield from _differ(a, b, f"{pointer}/{i}", f"{path}[{i}]" if path else f"item {i}", skip)
    else:
        yield f"{path or 'output'}: expected {_short(want)}, got {_short(got)}"


def _short(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = json_text(value)
    return text if len(text) <= MAX_VALUE_WIDTH else text[: MAX_VALUE_WIDTH - 3] + "..."
