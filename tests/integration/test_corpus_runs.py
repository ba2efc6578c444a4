"""Real exports compile and run durably, with everything that touches the world pinned."""

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from cli.testing.temporal import run_cases
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.engine.start_node import start_step
from schemas.plan import Kind

pytestmark = pytest.mark.long

TAKEN = 80
LEAST = 40
LIMIT = 15.0
"""Seconds per run: three of these exports loop for ever when a poll is pinned to one answer, in n8n too."""


def _pinned(path: Path) -> dict[str, Any] | None:
    """The export as a case: each step that is not inline gives its own pinned data or one empty item.

    None when it does not compile, or has no node to start at.
    """
    compiled = compile_export(path.read_bytes(), file=path.name, catalog=CATALOG, allow_unsupported=True)
    start = start_step(compiled.plan) if compiled.plan is not None else None
    if compiled.plan is None or start is None:
        return None
    export = json.loads(path.read_bytes())
    if not isinstance(export, dict) or "nodes" not in export:
        return None
    pins: dict[str, Any] = {
        step.name: [{"json": {}}] for step in compiled.plan.steps if step.kind is not Kind.INLINE or step.trigger
    }
    export["pinData"] = pins | compiled.plan.pin_data
    return {"name": path.stem, "workflow": export, "start": start.name, "mode": "manual", "input": [{"json": {}}]}


@pytest.mark.timeout(300)
async def test_the_first_exports_of_the_corpus_run_with_what_touches_the_world_pinned(shared: Path) -> None:
    """The rule: the first 80 by name that compile and have a start node. At least 40 succeed, and no worker dies."""
    paths = sorted((shared / "corpus" / "exports").glob("*.json"))
    cases = list(islice(filter(None, map(_pinned, paths)), TAKEN))
    assert len(cases) == TAKEN
    results = await run_cases(cases, limit=LIMIT)
    counted = Counter(each["status"] for each in results)
    assert counted["success"] >= LEAST, counted
    for case, result in zip(cases, results, strict=True):
        if result["status"] == "error":  # an empty item is not what this node expects; it says so, and where
            assert result["error"]["node"] in {node["name"] for node in case["workflow"]["nodes"]}, (
                case["name"],
                result,
            )
            assert result["error"]["message"]
