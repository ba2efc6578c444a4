"""Histories of earlier interpreters replay, with the same payloads and the same result; a doctored one does not."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.replay.__main__ import HISTORIES
from tests.replay.gate import faults

RECORDED = sorted(HISTORIES.glob("*.json"))
KINDS = {"inline", "local", "activity", "durable"}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    """No command differs, in kind, order or payload."""
    assert await faults(path) == []


def test_every_kind_of_step_is_among_them() -> None:
    """A new kind of step needs a history."""
    found = {step["kind"] for path in RECORDED for step in _plan(path)["steps"]}
    assert found >= KINDS


async def test_a_doctored_history_fails(tmp_path: Path) -> None:
    """Another payload of an activity, another result, and an activity of another type."""
    for doctor in (_other_request, _other_result, _other_type):
        document = json.loads((HISTORIES / "http-with-a-retry.json").read_text("utf-8"))
        doctor(document["events"])
        path = tmp_path / "doctored.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        assert await faults(path), doctor.__name__


def _other_request(events: list[dict[str, Any]]) -> None:
    _payload(events, "activityTaskScheduledEventAttributes", "input", ("/flaky", "/other"))


def _other_result(events: list[dict[str, Any]]) -> None:
    _payload(events, "workflowExecutionCompletedEventAttributes", "result", ('"success"', '"canceled"'))


def _other_type(events: list[dict[str, Any]]) -> None:
    first = next(each for each in events if "activityTaskScheduledEventAttributes" in each)
    first["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "another"


def _payload(events: list[dict[str, Any]], kind: str, field: str, change: tuple[str, str]) -> None:
    payload = next(each for each in events if kind in each)[kind][field]["payloads"][0]
    text = base64.b64decode(payload["data"]).decode()
    assert change[0] in text
    payload["data"] = base64.b64encode(text.replace(*change).encode()).decode()


def _plan(path: Path) -> dict[str, Any]:
    started = json.loads(path.read_text("utf-8"))["events"][0]["workflowExecutionStartedEventAttributes"]
    plan: dict[str, Any] = json.loads(base64.b64decode(started["input"]["payloads"][0]["data"]))["plan"]
    return plan
