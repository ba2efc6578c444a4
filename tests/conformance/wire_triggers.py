"""Trigger cases: registration, deliveries and polls of vendors' triggers, step by step, against canned answers."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from api.triggers.bodies import read_body
from api.triggers.responses import Refusal
from cli.testing.case import clean, plan_of
from cli.testing.compare import difference
from runtime.catalog import CATALOG
from runtime.contract import HttpResponse
from runtime.expressions.v8 import evaluator_of
from runtime.interpreter.registration_task import registration_task
from runtime.interpreter.task_runner import run_task
from schemas.delivery import Answer, Delivery
from schemas.plan import Step
from schemas.task import Task, TaskResult
from tests.conformance.queries import with_plain_queries
from tests.conformance.wire import DULL, requests_difference
from tests.conformance.wire_world import WireCapabilities, response, show_binary

__all__ = ["NAME", "export_of", "grade_trigger", "received", "run_trigger_file"]

NAME: Final = "Trigger"
NODE: Final = "00000000-0000-4000-8000-000000000001"
HOOK: Final = "00000000-0000-4000-8000-00000000000a"
WORKFLOW: Final = "wf1"
URL: Final = f"https://n8n.example.com/webhook/{HOOK}/webhook"
ACKNOWLEDGED: Final = (
    "firstEntryJson",
    "OK",
    {"message": "Webhook call received"},
    {"message": "Workflow was started"},
)
"""What n8n, or this service, says where the vendor wants no more than a status."""
RECEIVED: Final = {"message": "Webhook call received"}
NOT_STARTED: Final = {"code": 0, "message": "Workflow Webhook Error: Workflow could not be started!"}

T = TypeVar("T")


def run_trigger_file(path: Path) -> list[dict[str, Any]]:
    """Every case of a file with `actual_steps` beside what was recorded."""
    type_ = ".".join(path.stem.replace("__", "/").split(".")[:2])
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [{**case, "actual_steps": [_run_step(type_, case, each) for each in case["steps"]]} for case in cases]


class _World(WireCapabilities):
    """Answers requests from a step; those for tokens are answered apart, as they may come in another number."""

    def __init__(self, case: Mapping[str, Any], step: Mapping[str, Any]) -> None:
        given = list(zip(step["requests"], step["responses"], strict=True))
        super().__init__({**case, "responses": [each for request, each in given if not _asks_for_token(request)]})
        self._tokens = [each for request, each in given if _asks_for_token(request)]
        self._asked = 0
        self._refuses = step.get("world") == "unauthorised"

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """The next answer of its kind."""
        before = len(self.requests)
        answered = await super().request(method, url, **options)
        if _asks_for_token(self.requests[before]):
            granted = {"json": {"access_token": "TOKEN", "expires_in": 3600}}
            refused = {"status": 401, "json": {"error": "invalid_grant"}}
            answer = self._tokens.pop(0) if self._tokens else refused if self._refuses else granted
            return response(method, url, answer)
        place, self._asked = self._asked, self._asked + 1
        answers = self._case["responses"]
        del answered
        return response(method, url, answers[place] if place < len(answers) else {"json": {}})


def _asks_for_token(request: Mapping[str, Any]) -> bool:
    body = request.get("body") or {}
    fields = body.get("form") or body.get("json")
    return request["method"] == "POST" and isinstance(fields, dict) and "grant_type" in fields


def _run_step(type_: str, case: Mapping[str, Any], step: Mapping[str, Any]) -> dict[str, Any]:
    world = _World(case, step)
    try:
        plan = plan_of(export_of(type_, case))
        done = asyncio.run(_do(plan.step[NAME], case, step, world))
    except Exception as error:
        done = {"error": {"name": "Fault", "message": repr(error)}}
    return {
        "requests": world.requests,
        "response": None,
        "output": None,
        "error": None,
        "staticAfter": step["static"],
    } | done


def grade_trigger(case: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether every step did what was recorded, and the first difference."""
    for number, (wanted, actual) in enumerate(zip(case["steps"], case["actual_steps"], strict=True)):
        if why := _step_difference(wanted, actual):
            return False, f"step {number} {wanted['do']} {wanted.get('what') or wanted.get('world') or ''}: {why}"
    return True, ""


def _step_difference(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    if (actual["error"] or {}).get("name") == "Fault":
        return str(actual["error"]["message"])
    asked, expected = (
        [_without_dull(each) for each in with_plain_queries(step["requests"]) if not _asks_for_token(each)]
        for step in (actual, wanted)
    )
    if why := requests_difference(asked, _random_words(expected, asked)):
        return why
    if why := _reply_difference(wanted.get("response"), actual["response"]):
        return why
    if bool(wanted.get("error")) != bool(actual["error"]):
        return f"error {actual['error']}, expected {wanted.get('error')}"
    if wanted.get("error"):
        return ""
    pointer = difference(_plain(wanted.get("output")), _plain(actual["output"]))
    if pointer is not None:
        return f"output{pointer}: {str(actual['output'])[:300]}"
    if (
        "what" in wanted
        and "world" not in wanted
        and _random_words(wanted["staticAfter"], actual["staticAfter"]) != actual["staticAfter"]
    ):
        return f"static data {actual['staticAfter']}, expected {wanted['staticAfter']}"
    return ""


def _without_dull(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request without an empty JSON where a body means nothing, and without the type of a body that it has not."""
    body = request.get("body") or None
    if request["method"] in ("GET", "DELETE") and body is not None and not body.get("json"):
        body = None
    headers = request.get("headers") or {}
    if body is None:
        headers = {name: each for name, each in headers.items() if name.lower() != "content-type"}
    return {**request, "headers": headers, "body": body}


def _reply_difference(wanted: Mapping[str, Any] | None, actual: Mapping[str, Any] | None) -> str:
    """What differs in the reply to a delivery: its status, and the body of a handshake."""
    if wanted is None:
        return ""
    if actual is None or wanted["status"] != actual["status"]:
        return f"reply {actual}, expected {wanted}"
    said, expected = (each.get("json", each.get("text")) for each in (actual, wanted))
    if wanted["status"] >= 300 or expected in ACKNOWLEDGED or said == expected:
        return ""
    return f"reply {said!r}, expected {expected!r}"


def _random_words(expected: Any, actual: Any) -> Any:
    """`expected` with the words of `actual` in the places where it says RANDOM."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return {name: _random_words(each, actual.get(name)) for name, each in expected.items()}
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [_random_words(*each) for each in zip(expected, actual, strict=True)]
    if isinstance(expected, str) and "RANDOM" in expected and isinstance(actual, str):
        before, _, after = expected.partition("RANDOM")
        return actual if actual.startswith(before) and actual.endswith(after) else expected
    return expected


def _plain(output: Any) -> Any:
    """Items without the headers that belong to one connection."""
    return [
        [{"json": _carried(item["json"]), "binary": sorted(item.get("binary") or {})} for item in items or []]
        for items in output or []
    ]


def _carried(json_: Any) -> Any:
    headers = json_.get("headers") if isinstance(json_, dict) else None
    if not isinstance(headers, dict):
        return json_
    return {**json_, "headers": {name: each for name, each in headers.items() if name.lower() not in DULL}}


async def _do(step: Step, case: Mapping[str, Any], wanted: Mapping[str, Any], world: _World) -> dict[str, Any]:
    now = datetime.fromisoformat(wanted["clock"]).timestamp() * 1000
    if wanted["do"] == "deliver":
        return await _deliver(step, case, wanted, world, now)
    if wanted["do"] == "poll":
        result = await _run(_task(step, [], wanted.get("mode") or "trigger", wanted["static"], now), world)
        after = (
            (result.get("static_data") or {}).get(f"node:{NAME}", wanted["static"]) if "static_data" in result else None
        )
        return {
            "output": _shown(result),
            "error": result.get("error"),
            "staticAfter": wanted["static"] if after is None else after,
        }
    payload = {
        "action": wanted["do"], "url": URL, "registration": WORKFLOW, "node_id": NODE, "workflow_id": WORKFLOW,
        "state": wanted["static"],
    }  # fmt: skip
    result = await _run(registration_task(step, "", "1", payload, now), world)
    value: Any = result.get("value") or {"state": wanted["static"]}
    return {"error": result.get("error"), "staticAfter": value["state"]}


async def _deliver(
    step: Step, case: Mapping[str, Any], wanted: Mapping[str, Any], world: _World, now: float
) -> dict[str, Any]:
    try:
        node, delivery = received(step, case, wanted, now)
        answer: Answer = node.receive(delivery, step.version)
    except Refusal as refused:
        return {
            "response": {"status": refused.reply.status, "json": NOT_STARTED},
            "error": {"message": refused.message},
        }
    if answer.items is None:
        said = (
            {"text": answer.text}
            if answer.text is not None
            else {"json": RECEIVED if answer.json is None else answer.json}
        )
        return {
            "response": {"status": answer.status, **said},
            "error": {"message": answer.error} if answer.error else None,
        }
    result = await _run(_task(step, answer.items, "webhook", wanted["static"], now), world)
    failed = result.get("error")
    return {
        "response": {"status": 500 if failed else 200, "json": NOT_STARTED if failed else RECEIVED},
        "output": _shown(result),
        "error": failed,
    }


def received(step: Step, case: Mapping[str, Any], wanted: Mapping[str, Any], now: float) -> tuple[Any, Delivery]:
    """Return the trigger of a case and what is delivered to it. Raise Refusal."""
    asked = wanted["request"]
    raw = str(asked.get("body") or "").encode()
    headers = {name.lower(): value for name, value in asked["headers"].items()}
    cls = CATALOG.find(step.type, step.version, step.parameters)
    assert cls is not None
    node: Any = cls.bind(step.parameters, step.version)
    credential = node.delivery_credential(step.version)
    body = read_body(step.model_copy(update={"version": 2.0, "parameters": {}}), headers, raw)
    delivery = Delivery(
        asked["method"], URL, asked["query"], {"host": "n8n.example.com", **headers}, raw,
        None if body.absent else body.value, now, WORKFLOW, NODE, wanted["static"],
        case["credentials"].get(credential) or {} if credential else {},
    )  # fmt: skip
    return node, delivery


async def _run(task: Task, world: _World) -> TaskResult:
    return await run_task(task, CATALOG, world, evaluator_of(""), _Host())


def _task(step: Step, items: Any, mode: str, static: Mapping[str, Any], now: float) -> Task:
    payload = {"workflow_id": WORKFLOW}
    task = registration_task(step, "", "1", payload, now)
    task["step"]["kind"] = str(step.kind)
    task["inputs"], task["static_data"] = [items], {f"node:{NAME}": dict(static)} if static else {}
    task["meta"]["mode"] = mode
    del task["method"], task["payload"]
    return task


class _Host:
    def passes(self, error: Exception) -> bool:
        """Nothing is tried again."""
        del error
        return False

    def log_exception(self, error: Exception, node: str) -> None:
        """The case tells it."""
        raise error

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Right here."""
        return function(*args)

    def monotonic(self) -> float:
        """Of the process."""
        return time.monotonic()


def _shown(result: TaskResult) -> Any:
    outputs = [[_item(item) for item in items or []] for items in result.get("outputs") or []]
    return outputs if any(outputs) else None


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"json": clean(item["json"])}
    if item.get("binary"):
        shown["binary"] = {name: show_binary(ref) for name, ref in item["binary"].items()}
    return shown


def export_of(type_: str, case: Mapping[str, Any]) -> dict[str, Any]:
    node = {
        "id": NODE, "name": NAME, "type": type_, "typeVersion": case["typeVersion"], "position": [0, 0],
        "webhookId": HOOK, "parameters": case["parameters"],
        "credentials": {each: {"id": each, "name": each} for each in case.get("credentials") or {}},
    }  # fmt: skip
    return {"id": WORKFLOW, "nodes": [node], "connections": {}, "settings": {"executionOrder": "v1", "timezone": "UTC"}}
