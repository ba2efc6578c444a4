"""Histories of earlier interpreters replay, with the same payloads and the same result; a doctored one does not."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from runtime.engine.machine import Engine
from tests.replay.__main__ import HISTORIES, STATES, forget, remember
from tests.replay.gate import faults

RECORDED = sorted(HISTORIES.glob("*.json"))
KINDS = {"inline", "local", "activity", "durable"}
HASHES = json.loads(STATES.read_text("utf-8"))


EVENTS = {
    "TIMER_FIRED", "TIMER_CANCELED", "WORKFLOW_EXECUTION_UPDATE_COMPLETED", "MARKER_RECORDED", "ACTIVITY_TASK_COMPLETED",
    "CHILD_WORKFLOW_EXECUTION_COMPLETED", "WORKFLOW_EXECUTION_CONTINUED_AS_NEW", "WORKFLOW_EXECUTION_FAILED",
    "WORKFLOW_EXECUTION_CANCEL_REQUESTED", "WORKFLOW_EXECUTION_COMPLETED",
}  # fmt: skip


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    """No command differs, in kind, order or payload, and it leads to the same state."""
    assert await faults(path, HASHES) == []


def test_a_history_that_is_recorded_anew_gets_the_hash_of_its_own_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash of a history that was removed goes with it; one that is there keeps its own."""
    states = tmp_path / "states.json"
    states.write_text(json.dumps({"inline-chain": "0" * 64, "http-per-item": "1" * 64}), encoding="utf-8")
    monkeypatch.setattr("tests.replay.__main__.STATES", states)
    there = [HISTORIES / "http-per-item.json"]
    forget(there)
    remember([*there, HISTORIES / "inline-chain.json"])
    assert json.loads(states.read_text("utf-8")) == {
        "inline-chain": HASHES["inline-chain"],
        "http-per-item": "1" * 64,
    }


def test_every_hash_is_of_a_history() -> None:
    """One of a history that was removed would be taken for that of the next one of its name."""
    assert HASHES.keys() == {path.stem for path in RECORDED}


def test_every_kind_of_step_is_among_them() -> None:
    """A new kind of step needs a history."""
    found = {step["kind"] for path in RECORDED for step in (_plan(path) or {"steps": []})["steps"]}
    assert found >= KINDS


def test_every_way_to_end_and_to_go_on_is_among_them() -> None:
    """Timers, updates, children, continue-as-new, failure, cancellation, a schedule's run without a plan."""
    events = {event["eventType"] for path in RECORDED for event in json.loads(path.read_text("utf-8"))["events"]}
    assert {each.removeprefix("EVENT_TYPE_") for each in events} >= EVENTS
    assert any(_plan(path) is None for path in RECORDED)


@pytest.mark.parametrize("seconds", [1e-9, 60.0])
@pytest.mark.parametrize("name", ["scripts-over-their-limit", "scripts-on-v8", "loop-of-fifty"])
async def test_the_history_says_which_script_hit_its_limit(
    name: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not the machine that replays it: with another limit, and with none left in the activation."""
    monkeypatch.setattr("runtime.expressions.evaluating.WORKFLOW_SECONDS", seconds)
    monkeypatch.setattr("runtime.hosts.temporal.script_limits.ACTIVATION_SECONDS", seconds)
    assert await faults(HISTORIES / f"{name}.json", HASHES) == []


async def test_a_script_that_does_not_end_on_replay_fails_the_workflow_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the history has no limit, one is no outcome of the step."""
    monkeypatch.setattr("runtime.hosts.temporal.script_limits.REPLAY_SECONDS", 1e-9)
    found = await faults(HISTORIES / "scripts-on-v8.json", HASHES)
    assert len(found) == 1
    assert "Expression timed out" in found[0]


async def test_a_doctored_history_fails(tmp_path: Path) -> None:
    """Another payload of an activity, a child or a continue-as-new, another result, and an activity of another type."""
    for name, doctor in (
        ("http-with-a-retry", _other_request), ("http-with-a-retry", _other_result), ("http-with-a-retry", _other_type),
        ("sub-workflow", _other_child), ("a-long-run", _other_state), ("stops-with-an-error", _other_failure),
        ("http-per-item", _other_answer),
    ):  # fmt: skip
        document = json.loads((HISTORIES / f"{name}.json").read_text("utf-8"))
        doctor(document["events"])
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        assert await faults(path, HASHES), doctor.__name__


async def test_an_engine_that_decides_otherwise_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no command and no payload differs, the state still tells."""
    path = HISTORIES / "inline-chain.json"
    assert await faults(path, HASHES | {"inline-chain": "0" * 64}) == ["state: another one at the end"]
    record = Engine._record

    def twice(self: Engine, *args: Any) -> None:
        record(self, *args)
        self.memory["elsewhere"] = {"n": 1}

    monkeypatch.setattr(Engine, "_record", twice)
    assert await faults(path, HASHES) == ["state: another one at the end"]


def _other_request(events: list[dict[str, Any]]) -> None:
    _payload(events, "activityTaskScheduledEventAttributes", "input", ("/flaky", "/other"))


def _other_result(events: list[dict[str, Any]]) -> None:
    _payload(events, "workflowExecutionCompletedEventAttributes", "result", ('"success"', '"canceled"'))


def _other_child(events: list[dict[str, Any]]) -> None:
    _payload(
        events, "startChildWorkflowExecutionInitiatedEventAttributes", "input", ('"trigger_kind"', '"trigger_kin_"')
    )


def _other_state(events: list[dict[str, Any]]) -> None:
    _payload(events, "workflowExecutionContinuedAsNewEventAttributes", "input", ('"sequence"', '"sequenc_"'))


def _other_answer(events: list[dict[str, Any]]) -> None:
    _payload(events, "activityTaskCompletedEventAttributes", "result", ("asked", "asket"))


def _other_failure(events: list[dict[str, Any]]) -> None:
    failed = events[-1]["workflowExecutionFailedEventAttributes"]["failure"]["applicationFailureInfo"]["details"]
    text = base64.b64decode(failed["payloads"][0]["data"]).decode()
    failed["payloads"][0]["data"] = base64.b64encode(text.replace('"error"', '"success"', 1).encode()).decode()


def _other_type(events: list[dict[str, Any]]) -> None:
    first = next(each for each in events if "activityTaskScheduledEventAttributes" in each)
    first["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "another"


def _payload(events: list[dict[str, Any]], kind: str, field: str, change: tuple[str, str]) -> None:
    payload = next(each for each in events if kind in each)[kind][field]["payloads"][0]
    text = base64.b64decode(payload["data"]).decode()
    assert change[0] in text
    payload["data"] = base64.b64encode(text.replace(*change).encode()).decode()


def _plan(path: Path) -> dict[str, Any] | None:
    started = json.loads(path.read_text("utf-8"))["events"][0]["workflowExecutionStartedEventAttributes"]
    plan: dict[str, Any] | None = json.loads(base64.b64decode(started["input"]["payloads"][0]["data"]))["plan"]
    return plan
