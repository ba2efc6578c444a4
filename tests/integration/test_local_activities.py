"""Local activities that take long: a replay sees the times that the run saw."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench.exports import START, chain, node
from cli.testing import temporal
from cli.testing.case import Case
from tests.replay.gate import faults

SUB = chain(node("When", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0))
NOW = {"assignments": {"assignments": [{"id": "1", "name": "at", "value": "={{ $now.toMillis() }}", "type": "number"}]},
       "includeOtherFields": True, "options": {}}  # fmt: skip
CALL = {"workflowId": {"__rl": True, "mode": "id", "value": "={{ $json.id }}"}, "mode": "each", "options": {}}


async def history_of(monkeypatch: pytest.MonkeyPatch, folder: Path, seconds: dict[str, list[float]]) -> Path:
    """Return the history of a run: the time, then a sub-workflow for each of these ids, whose look-ups take so long one after the other."""

    class SlowTemplates(temporal.CaseTemplates):
        async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
            each = seconds[reference["id"]]
            await asyncio.sleep(each.pop(0) if each else 0)
            return await super().find(tenant, reference)

    monkeypatch.setattr(temporal, "CaseTemplates", SlowTemplates)
    case: Case = {
        "name": "calls", "workflow": chain(START, node("Now", "set", 3.4, NOW, 200), node("Call", "executeWorkflow", 1.2, CALL, 400)),
        "subworkflows": dict.fromkeys(seconds, SUB), "input": [{"json": {"id": each}} for each in seconds],
    }  # fmt: skip
    (result,) = await temporal.run_cases([case], histories=folder)
    assert result["status"] == "success", result
    (path,) = folder.glob("*.json")
    return path


def kinds(history: Path) -> list[str]:
    """The types of its events."""
    return [each["eventType"].removeprefix("EVENT_TYPE_") for each in json.loads(history.read_text("utf-8"))["events"]]


async def test_one_that_takes_long_goes_on_as_an_ordinary_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Core would ask for workflow tasks meanwhile, and a replay would begin at the time of the last: the items had another `$now`."""
    history = await history_of(monkeypatch, tmp_path, {"a": [6.0]})
    order = kinds(history)
    assert "ACTIVITY_TASK_SCHEDULED" in order
    assert not any(
        order[i : i + 2] == ["WORKFLOW_TASK_COMPLETED", "WORKFLOW_TASK_SCHEDULED"] for i in range(len(order))
    ), "a workflow task that only waited"
    assert await faults(history) == []
