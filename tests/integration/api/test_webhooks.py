"""Webhooks against what n8n 2.41 answered to the same requests, and what is ours about them."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from compiler import compile_export
from runtime.catalog import CATALOG
from tests.exports import export, node, set_
from tests.patience import PATIENCE
from tests.service import eventually

RECORDED = json.loads(Path(__file__).with_name("webhooks_recorded.json").read_text(encoding="utf-8"))
CASES = RECORDED["cases"]
COMPARED = ("location", "www-authenticate", "access-control-")


@pytest.fixture(scope="module")
async def recorded(dependencies: Dependencies, worker: None) -> Dependencies:
    """The recorded flows and their credentials, published for the first tenant."""
    del worker
    for type_, named in RECORDED["credentials"].items():
        for name, data in named.items():
            await dependencies.credentials.put("acme", type_, name, data)
    for place, flow in enumerate(RECORDED["flows"].values()):
        compiled = compile_export(flow, file="recorded", catalog=CATALOG, lenient=True)
        assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
        await dependencies.store.publish("acme", f"recorded_{place}", compiled.plan, flow)
    dependencies.templates.forget("acme")
    return dependencies


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_webhook_answers_as_n8n_does(
    recorded: Dependencies, anonymous: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    del recorded
    body = case["body"].encode("latin-1") if case["body"] is not None else None
    answer = await anonymous.request(
        case["method"], f"/webhook/acme/{case['path']}", headers=[tuple(each) for each in case["headers"]], content=body
    )
    if "differs" in case:
        assert _differences(answer, case["expected"]), "it no longer differs: take the note out of the case"
        return
    assert _differences(answer, case["expected"]) == []


def _differences(answer: httpx.Response, expected: dict[str, Any]) -> list[str]:
    differences = []
    if answer.status_code != expected["status"]:
        differences.append(f"status {answer.status_code}, not {expected['status']}: {answer.text[:300]}")
    for name, value in expected["headers"].items():
        if answer.headers.get(name) != value and name != "www-authenticate":
            differences.append(f"{name}: {answer.headers.get(name)!r}, not {value!r}")
    if (expected_type := expected.get("type")) and not _same_type(answer.headers.get("content-type"), expected_type):
        differences.append(f"content-type {answer.headers.get('content-type')}, not {expected_type}")
    if "json" in expected:
        got = _normal(_parsed(answer))
        if isinstance(got, dict) and "type" in got and str(got["type"]).startswith("/problems/"):
            # a problem has more to say; n8n's members are among it, hints are ours
            wanted_members = {name: value for name, value in expected["json"].items() if name != "hint"}
            got = {name: got.get(name) for name in wanted_members}
            expected = expected | {"json": wanted_members}
        if _without_hint(got) != _without_hint(expected["json"]):
            differences.append(f"body {got!r}, not {expected['json']!r}")
    elif not _same_text(answer.text, expected["text"]):
        differences.append(f"body {answer.text!r}, not {expected['text']!r}")
    return differences


def _parsed(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text


def _same_type(got: str | None, expected_text: str) -> bool:
    plain = (got or "").replace("problem+json", "json")
    return plain.partition(";")[0] == expected_text.partition(";")[0]


def _same_text(got: str, expected_text: str) -> bool:
    token = re.compile(r"eyJ[\w.-]+")
    return token.sub("token", got) == token.sub("token", expected_text)


def _without_hint(value: Any) -> Any:
    if isinstance(value, dict) and set(value) >= {"code", "message"}:
        return {name: each for name, each in value.items() if name != "hint"}
    if isinstance(value, dict) and set(value) == {"token"}:
        return {"token": "token"}
    return value


def _normal(value: Any) -> Any:
    """What differs from call to call and from host to host taken out, as in the recorded answers."""
    if isinstance(value, list):
        return [_normal(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {name: _normal(each) for name, each in value.items()}
    if "mimeType" in value:
        value = {name: each for name, each in value.items() if name not in ("data", "id")}
        if re.fullmatch(r"[0-9a-f-]{36}", str(value.get("fileName", ""))):
            del value["fileName"]
    if "webhookUrl" in value:
        value["webhookUrl"] = value["webhookUrl"].split("/webhook/acme/", 1)[1]
        headers = {name: each for name, each in value["headers"].items() if name.startswith("x-")}
        value["headers"] = headers | {
            name: value["headers"][name] for name in ("cookie", "content-type") if name in value["headers"]
        }
    return value


async def test_another_tenants_webhook_is_another_address(recorded: Dependencies, anonymous: httpx.AsyncClient) -> None:
    del recorded
    answer = await anonymous.post("/webhook/globex/echo", json={})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == "/webhook/globex/echo"


async def test_a_run_of_a_webhook_is_an_ordinary_run(
    recorded: Dependencies, anonymous: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    del recorded
    assert (await anonymous.post("/webhook/acme/last", json={"a": 1})).status_code == 200

    async def listed() -> Any:
        items = (await acme.get("/workflows", params={"limit": 200})).json()["items"]
        return next((item for item in items if item["trigger"] == "webhook"), None)

    item = await eventually(listed)
    assert item["workflow_id"].startswith("acme:recorded_")


async def test_too_large_a_body_is_refused_before_it_is_read(
    recorded: Dependencies, anonymous: httpx.AsyncClient
) -> None:
    del recorded
    answer = await anonymous.post("/webhook/acme/echo", content=b"x" * 300_000)
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/body-too-large"


async def test_a_large_file_leaves_the_item_and_comes_back_whole(
    recorded: Dependencies, anonymous: httpx.AsyncClient
) -> None:
    data = bytes(range(256)) * 400
    flow = RECORDED["flows"]["echo"]
    hook = flow["nodes"][0] | {"parameters": {
        "httpMethod": "POST", "path": "file", "responseMode": "lastNode", "responseData": "firstEntryBinary"
    }}  # fmt: skip
    compiled = compile_export(flow | {"nodes": [hook]}, file="file", catalog=CATALOG, lenient=True)
    assert compiled.plan is not None
    await recorded.store.publish("acme", "file", compiled.plan, flow)
    recorded.templates.forget("acme")
    answer = await anonymous.post("/webhook/acme/file", content=data, headers={"content-type": "image/png"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == data


async def test_two_templates_cannot_listen_at_one_path(recorded: Dependencies, acme: httpx.AsyncClient) -> None:
    del recorded
    answer = await acme.post("/templates", params={"key": "thief"}, json=RECORDED["flows"]["echo"])
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/webhook-taken"
    assert answer.json()["path"] == "echo"


@pytest.mark.parametrize("how", ["cancel", "terminate"])
async def test_a_caller_whose_run_is_stopped_gets_the_answer_of_n8n(
    recorded: Dependencies, anonymous: httpx.AsyncClient, acme: httpx.AsyncClient, how: str
) -> None:
    path = f"slow-{how}"
    hook = node("Hook", "webhook", 2, httpMethod="POST", path=path, responseMode="lastNode", options={})
    slow = node("Wait", "wait", 1.1, resume="timeInterval", amount=60, unit="seconds")
    assert (await acme.post("/templates", params={"key": path}, json=export(path, hook, slow))).status_code == 201
    calling = asyncio.create_task(anonymous.post(f"/webhook/acme/{path}", json={}))

    async def listed() -> Any:
        return (await acme.get("/workflows", params={"template": path})).json()["items"]

    run = (await eventually(listed))[0]["workflow_id"]
    handle = recorded.temporal.get_workflow_handle(run)
    await (handle.cancel() if how == "cancel" else handle.terminate())
    answer = await asyncio.wait_for(calling, PATIENCE)
    assert (answer.status_code, answer.json()) == (500, {"message": "Error in workflow"})


async def test_a_workflow_that_calls_another_shows_both_runs(
    recorded: Dependencies, anonymous: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    del recorded
    called = export(
        "Called", node("Start", "executeWorkflowTrigger", 1.1, inputSource="passthrough"), set_("S", done="y")
    )
    call = node("Call", "executeWorkflow", 1.2, workflowId={"__rl": True, "mode": "id", "value": "called"}, options={})
    hook = node("Hook", "webhook", 2, httpMethod="POST", path="caller", responseMode="lastNode", options={})
    for key, each in (("called", called), ("caller", export("Caller", hook, call))):
        assert (await acme.post("/templates", params={"key": key}, json=each)).status_code == 201
    answer = await anonymous.post("/webhook/acme/caller", json={})
    assert answer.json()["done"] == "y"

    async def listed() -> Any:
        return (await acme.get("/workflows", params={"template": "called", "status": "completed"})).json()["items"]

    child = (await eventually(listed))[0]
    assert child["trigger"] == "workflow"
    history = (await acme.get(child["links"]["history"])).json()
    assert [(step["node"], step["type"]) for step in history["steps"]] == [
        ("Start", "n8n-nodes-base.executeWorkflowTrigger"), ("S", "n8n-nodes-base.set")
    ]  # fmt: skip
