"""Data that a step nests deeper than items may be is an error of that step, in words, and not of one that reads it later."""

from typing import Any, Final

import pytest

from bench.exports import START, chain, condition, node, set_node
from cli.testing.case import plan_of
from runtime.catalog import CATALOG
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.run_info import RunInfo
from schemas.item import MAX_NESTING

DEEP: Final = "'{{\"a\":'.repeat({0}) + '1' + '}}'.repeat({0})"
LEVELS: Final = (MAX_NESTING + 50, 900, 5_000)
AFTER: Final = set_node("After", 900, {"n": "={{ Object.keys($json).length }}"})

STEPS: Final[dict[str, Any]] = {
    "JSON of Edit Fields": lambda n: node(
        "Step", "set", 3.4, {"mode": "raw", "jsonOutput": f"={{{{ {DEEP.format(n)} }}}}", "options": {}}, 200
    ),
    "a text where Edit Fields wants an object": lambda n: set_node(
        "Step", 200, {"o": f"={{{{ {DEEP.format(n)} }}}}"}, "object"
    ),
    "an expression": lambda n: set_node("Step", 200, {"o": f"={{{{ JSON.parse({DEEP.format(n)}) }}}}"}, "object"),
    "a field name with dots": lambda n: set_node("Step", 200, {".".join("a" * n): "1"}, "string"),
}  # fmt: skip


async def ended(export: dict[str, Any]) -> Any:
    """Return how a run ends."""
    host = LocalHost(CATALOG, OfflineCapabilities())
    return (await run_local(plan_of(export), host, RunInfo(execution_id="1"), [{"json": {}}]))[1]


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("name", STEPS)
async def test_a_step_that_nests_too_deep_has_the_error(name: str, levels: int) -> None:
    """And On Error applies to it."""
    finished = await ended(chain(START, STEPS[name](levels), AFTER))
    assert (finished.status, finished.error["node"]) == ("error", "Step")
    assert "failed in a way" not in finished.error["message"]
    finished = await ended(chain(START, STEPS[name](levels) | {"onError": "continueRegularOutput"}, AFTER))
    assert finished.status == "success"


@pytest.mark.parametrize("name", STEPS)
async def test_as_deep_as_items_may_be_is_no_error(name: str) -> None:
    finished = await ended(chain(START, STEPS[name](MAX_NESTING - 10), AFTER))
    assert finished.status == "success", finished.error


NESTS: Final[dict[str, dict[str, Any]]] = {
    "Edit Fields": set_node("Nest", 400, {"o.p": "={{ $json.o }}"}, "object"),
    "Aggregate": node(
        "Nest", "aggregate", 1, {"aggregate": "aggregateAllItemData", "destinationFieldName": "d", "options": {}}, 400
    ),
}


@pytest.mark.parametrize("name", NESTS)
async def test_a_loop_that_nests_a_level_in_each_turn_ends(name: str) -> None:
    """At the node that nests, a few turns after the limit; it would run for 5,000."""
    turns = node("If", "if", 2.2, {"conditions": condition("={{ $runIndex }}", "lt", 5_000), "options": {}}, 600)
    export = chain(START, set_node("First", 200, {"o": "{}"}, "object"), NESTS[name], turns)
    export["connections"]["If"] = {"main": [[{"node": "Nest", "type": "main", "index": 0}], []]}
    finished = await ended(export)
    assert (finished.status, finished.error["node"]) == ("error", "Nest")
    assert finished.error["message"] == "The output of 'Nest' is nested deeper than 200 levels"
