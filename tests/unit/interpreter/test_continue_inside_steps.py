"""A run that continues as new in the middle of a durable step, as often as it can, ends as one that does not."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of, run_case
from runtime.catalog import CATALOG
from schemas.plan import Kind
from tests.carrying import continue_inside_steps

CASES: Final = Path(__file__).parents[2] / "conformance"


def durable_cases() -> list[Path]:
    """Return the recorded cases with a durable step that runs in one process."""
    return [path for path in sorted(CASES.glob("[cs]*/**/*.json")) if _is_durable(path)]


@cache
def _may_be_durable(type_: str) -> bool:
    return any(shape.kind is Kind.DURABLE for shape in CATALOG.shapes(type_))


def _is_durable(path: Path) -> bool:
    case = json.loads(path.read_text("utf-8"))
    if not isinstance(case, dict) or "workflow" not in case:
        return False
    if not any(_may_be_durable(node["type"]) for node in case["workflow"]["nodes"]):
        return False  # compiling all the others takes each process of the tests seconds
    return any(step.kind is Kind.DURABLE for step in plan_of(case["workflow"]).steps)


@pytest.mark.parametrize("path", durable_cases(), ids=lambda path: path.stem)
async def test_a_recorded_case_is_the_same_when_it_continues_inside_steps(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs, errors, order of nodes, responses and static data of every recorded case with a durable step."""
    case: dict[str, Any] = json.loads(path.read_text("utf-8"))
    whole = await run_case(case)
    with monkeypatch.context() as patched:
        continue_inside_steps(patched, "cli.testing.case")
        parted = await run_case(case)
    assert parted == whole


async def test_a_run_continues_before_each_command_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items, a sub-workflow each: the run continues before the first one and after each."""
    call = {"workflowId": {"__rl": True, "value": "child", "mode": "id"}, "mode": "each", "options": {}}
    child = chain(
        node("In", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0), set_node("Out", 200, {"b": "1"})
    )
    case = {
        "workflow": chain(START, node("Call", "executeWorkflow", 1.2, call, 200)), "start": "Start",
        "input": [{"n": n} for n in range(3)], "subworkflows": {"child": child},
    }  # fmt: skip
    whole = await run_case(case)
    carrier = continue_inside_steps(monkeypatch, "cli.testing.case")
    parted = await run_case(case)
    assert parted == whole
    assert parted["status"] == "success"
    assert carrier.count == 3
