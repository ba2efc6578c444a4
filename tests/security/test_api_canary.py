"""A planted secret comes back in no answer of the API and stands in no log line of it."""

import logging
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from tests.exports import export, node
from tests.service import client, ended, eventually, started

pytestmark = pytest.mark.usefixtures("published")

CANARY = "canary-9c1d2a7788e0"
PLANTED = {"httpHeaderAuth": {"name": "X-Secret", "value": CANARY}, "httpBasicAuth": {"user": "u", "password": CANARY}}


def calls_out() -> dict[str, Any]:
    """Uses the secret in a request that the egress guard refuses."""
    request = node(
        "Call", "httpRequest", 4.2, url="http://127.0.0.1:9/", authentication="genericCredentialType",
        genericAuthType="httpHeaderAuth", options={},
    ) | {"credentials": {"httpHeaderAuth": {"id": "c", "name": "planted"}}}  # fmt: skip
    return export("Calls out", node("Start", "manualTrigger"), request)


def asks_for_a_password() -> dict[str, Any]:
    """A webhook behind the secret."""
    hook = node("Hook", "webhook", 2, httpMethod="POST", path="guarded", authentication="basicAuth", options={}) | {
        "credentials": {"httpBasicAuth": {"id": "c", "name": "planted"}}
    }
    return export("Guarded", hook)


async def test_no_answer_and_no_log_line_has_the_secret(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for type_, data in PLANTED.items():
        await dependencies.credentials.put("acme", type_, "planted", data)
    answers = [
        await acme.post("/templates", params={"key": "calls_out"}, json=calls_out()),
        await acme.post("/templates", params={"key": "guarded"}, json=asks_for_a_password()),
    ]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    run = await started(acme, "calls_out")
    status = await ended(acme, run)
    assert status["status"] == "failed"

    async def listed() -> bool:
        return any(item["workflow_id"] == run for item in (await acme.get("/workflows")).json()["items"])

    await eventually(listed)
    paths = [f"/workflows/{run}/{what}" for what in ("status", "result", "history")]
    paths += ["/workflows", "/templates", "/templates/calls_out/versions", "/metrics", "/health", "/openapi.json"]
    answers += [await acme.get(path) for path in paths]
    answers += [await acme.get("/metrics", headers={"accept": "text/plain"}), await anonymous.get("/problems")]
    answers += [await anonymous.post("/webhook/acme/guarded", auth=("u", password)) for password in ("wrong", CANARY)]
    assert [answer.status_code for answer in answers[-2:]] == [401, 200]
    for answer in answers:
        assert CANARY not in answer.text, answer.request.url
        assert CANARY not in str(answer.headers)
    assert CANARY not in caplog.text


async def test_a_key_that_is_wrong_is_not_repeated(application: Any) -> None:
    key = "t8_acme_" + "ab" * 24
    async with client(application, key) as caller:
        answer = await caller.get("/workflows")
    assert answer.status_code == 401
    assert key not in answer.text
