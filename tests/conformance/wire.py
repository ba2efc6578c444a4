"""Wire cases: parameters in, HTTP requests out, canned answers back, items out."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from cli.testing.case import as_item, clean, plan_of
from cli.testing.compare import difference
from runtime.catalog import CATALOG
from runtime.contract import AwaitSignal, NodeError
from runtime.hosts.local.host import LocalHost, run_local
from runtime.interpreter.execution import Execution
from runtime.interpreter.run_info import RunInfo
from schemas.item import NoJson
from schemas.outcome import Finished
from schemas.plan import Plan
from tests.conformance.mails import with_mails
from tests.conformance.wire_world import WireCapabilities, show_binary

CLOCK: Final = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp() * 1000
DULL: Final = {
    "accept", "accept-encoding", "accept-language", "connection", "content-length", "date", "host", "user-agent",
    "x-request-id", "proxy-connection", "proxy-authorization", "idempotency-key", "traceparent", "x-amz-date", "x-goog-api-client", "cache-control",
}  # fmt: skip
_STEP = "Node under test"
NO_ID: Final = "Not a valid "
"""Beginning of the issue of a locator whose constant is no id or address."""
_SLASH: Final = re.compile("%2F", re.IGNORECASE)
"""A slash within a segment of a path is another address than one between two."""


def run_wire_file(path: Path) -> list[dict[str, Any]]:
    """Every case of a file with `actual_requests`, `actual_output` and `actual_error` beside what was recorded."""
    node_type = ".".join(
        path.stem.replace("__", "/").split(".")[:2]
    )  # the rest of a name tells files of one type apart
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [{**case, **run_wire_case(node_type, case)} for case in cases]


def run_wire_case(node_type: str, case: Mapping[str, Any]) -> dict[str, Any]:
    """What one case did. A fault of ours is an `actual_error` that says so."""
    capabilities = WireCapabilities(case)
    try:
        execution, finished, waits = asyncio.run(_run(node_type, case, capabilities))
    except Exception as error:
        return {
            "actual_requests": capabilities.requests,
            "actual_output": None,
            "actual_error": {"name": "Fault", "message": repr(error)},
        }
    return {
        "actual_requests": capabilities.requests,
        "actual_output": _output(case, execution),
        "actual_error": None if waits else _error(finished),
        "actual_status": "waiting" if waits else finished.status,
    }


class _Host(LocalHost):
    """A host on which a wait for a call ends the case: nobody answers."""

    waits = False

    async def signal(
        self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None, call: str = ""
    ) -> Any:
        """The run would wait here."""
        del step, run_index, command, ordinal, call
        self.waits = True
        raise NodeError("the case ends with a wait")


def _without_locator_issues(plan: Plan) -> Plan:
    """Return the plan as n8n's recorder ran it: the node alone, for whose issues nobody looked before."""
    steps = tuple(
        step.model_copy(update={"issues": tuple(each for each in step.issues if not each.startswith(NO_ID))})
        for step in plan.steps
    )
    return plan.model_copy(update={"steps": steps})


async def _run(
    node_type: str, case: Mapping[str, Any], capabilities: WireCapabilities
) -> tuple[Execution, Finished, bool]:
    plan = _without_locator_issues(plan_of(_export(node_type, case)))
    host = _Host(CATALOG, capabilities, clock=lambda: CLOCK, sleep=_no_wait)
    items = [as_item(each) for each in case.get("input") or [{}]]
    info = RunInfo(execution_id="1", mode="trigger", base_url="http://localhost:5678", resume_secret="x" * 32)
    return *await run_local(plan, host, info, items, start=plan.step["Start"]), host.waits


async def _no_wait(seconds: float) -> None:
    """The engine's own waits are not what is tested."""
    del seconds


def _export(node_type: str, case: Mapping[str, Any]) -> dict[str, Any]:
    node = {
        **(case.get("node") or {}),
        "id": "node", "name": _STEP, "type": node_type, "typeVersion": case["typeVersion"], "position": [200, 0],
        "parameters": case["parameters"],
        "credentials": {type_: {"id": type_, "name": type_} for type_ in case.get("credentials") or {}},
    }  # fmt: skip
    start = {
        "id": "start",
        "name": "Start",
        "type": "n8n-nodes-base.manualTrigger",
        "typeVersion": 1,
        "position": [0, 0],
        "parameters": {},
    }
    return {
        "nodes": [start, node],
        "connections": {"Start": {"main": [[{"node": _STEP, "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
    }


def _output(case: Mapping[str, Any], execution: Execution) -> Any:
    runs = execution.engine.runs.get(_STEP)
    if not runs or runs[-1].get("failed"):
        return None
    outputs = [[_item(item) for item in items or []] for items in runs[-1]["outputs"]]
    split = isinstance(case.get("output"), dict) or (case.get("node") or {}).get("onError") == "continueErrorOutput"
    return {"outputs": outputs} if split else [item for items in outputs for item in items]


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"pairedItem": item.get("pairedItem")}
    if not isinstance(item["json"], NoJson):
        shown["json"] = clean(item["json"])
    if item.get("binary"):
        shown["binary"] = {name: show_binary(ref) for name, ref in item["binary"].items()}
    return shown


def _error(finished: Finished) -> dict[str, Any] | None:
    return None if finished.status == "success" else dict(finished.error or {"message": finished.status})


def grade_wire(case: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether requests and items (or the presence of an error) are as recorded, and the first difference."""
    why = _difference(case)
    return not why, why


def requests_difference(asked: Sequence[Mapping[str, Any]], recorded: Sequence[Mapping[str, Any]]) -> str:
    """The first difference of requests from those that were recorded; empty: there is none."""
    actual, expected = ([_comparable(each) for each in requests] for requests in (asked, recorded))
    if len(actual) != len(expected):
        return f"{len(actual)} requests, expected {len(expected)}"
    for i, (got, wanted) in enumerate(zip(actual, expected, strict=True)):
        for key, value in wanted.items():
            pointer = difference(value, got[key])
            if pointer is not None:
                return f"request {i} {key}{pointer}: {got[key]!r}, expected {value!r}"
    return ""


def _difference(case: Mapping[str, Any]) -> str:
    if why := requests_difference(case.get("actual_requests") or [], case.get("requests") or []):
        return f"{why}; {case.get('actual_error')}" if "requests, expected" in why else why
    if case.get("error"):
        return "" if case.get("actual_error") else "no error, one expected"
    if case.get("actual_error"):
        return f"error {case['actual_error']}"
    pointer = difference(_jsons(case.get("output")), _jsons(case.get("actual_output")))
    return "" if pointer is None else f"output{pointer}: {str(case.get('actual_output'))[:300]}"


def _comparable(request: Mapping[str, Any]) -> dict[str, Any]:
    parts = urlsplit(request.get("url") or "")
    headers = {
        name.lower(): value for name, value in (request.get("headers") or {}).items() if name.lower() not in DULL
    }
    if isinstance(headers.get("content-type"), str):
        headers["content-type"] = headers["content-type"].split(";")[0]
    return {
        "method": request["method"].upper(),
        "url": [parts.scheme, parts.netloc.lower(), unquote(_SLASH.sub("%252F", parts.path)) or "/"],
        "query": request.get("query") or {},
        "headers": headers,
        "body": with_mails(request.get("body")),
    }


def _jsons(output: Any) -> list[Any]:
    flat = [item for each in output or [] for item in (each if isinstance(each, list) else [each])]
    return [item["json"] if isinstance(item, dict) and "json" in item else item for item in flat]
