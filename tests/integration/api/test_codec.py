"""The codec endpoint of Temporal's UI: for whoever has the operator's key, and for one page alone."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from api.dependencies import Dependencies
from tests.service import application_with, client, ended, started

KEY = "operator-" + "k" * 32
UI = "http://ui.test:8233"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
async def operator(dependencies: Dependencies) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application whose operator has a key."""
    app = application_with(dependencies, operator_key=SecretStr(KEY), temporal_ui_url=f"{UI}/")
    async with client(app) as opened:
        yield opened


async def _payloads(temporal: Client, run: str) -> list[Payload]:
    events = (await temporal.get_workflow_handle(run).fetch_history()).events
    failure = events[-1].workflow_execution_failed_event_attributes.failure
    return [*events[0].workflow_execution_started_event_attributes.input.payloads, failure.encoded_attributes]


def _body(payloads: list[Payload]) -> dict[str, Any]:
    return {"payloads": [_wire_payload(each) for each in payloads]}


def _wire_payload(payload: Payload) -> dict[str, Any]:
    made: dict[str, Any] = {"metadata": {name: _base64(each) for name, each in payload.metadata.items()}}
    if payload.data:
        made["data"] = _base64(payload.data)
    if payload.external_payloads:
        made["externalPayloads"] = [{"sizeBytes": str(each.size_bytes)} for each in payload.external_payloads]
    return made


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def test_the_operator_reads_the_input_and_the_failure_of_a_run(
    acme: httpx.AsyncClient, operator: httpx.AsyncClient, temporal: Client, published: dict[str, Any]
) -> None:
    """As Temporal's UI sends them: as they are stored."""
    run = await started(acme, "failing", {"word": "shown to the operator"})
    await ended(acme, run)
    stored = await _payloads(temporal, run)
    assert all(each.metadata["encoding"] == b"binary/tempor8-sealed" for each in stored)
    answer = await operator.post("/codec/decode", json=_body(stored), headers=AUTHORIZED | {"Origin": UI})
    assert answer.status_code == 200, answer.text
    texts = [base64.b64decode(each["data"]).decode() for each in answer.json()["payloads"]]
    assert "shown to the operator" in texts[0]
    assert "message" in texts[1]
    assert answer.headers["access-control-allow-origin"] == UI


async def test_nobody_else_reads_anything(
    acme: httpx.AsyncClient, operator: httpx.AsyncClient, temporal: Client, published: dict[str, Any]
) -> None:
    """Not a tenant's key, not another key, not any page, and not where the operator has another key."""
    run = await started(acme, "failing")
    await ended(acme, run)
    body = _body(await _payloads(temporal, run))
    tenants_key = {"Authorization": acme.headers["authorization"]}
    for headers in ({}, tenants_key, {"Authorization": f"Bearer {KEY}x"}, {"X-API-Key": f"{KEY}x"}):
        assert (await operator.post("/codec/decode", json=body, headers=headers)).status_code == 401
    assert (await acme.post("/codec/decode", json=body, headers=AUTHORIZED)).status_code == 401
    foreign = await operator.post("/codec/decode", json=body, headers=AUTHORIZED | {"Origin": "http://evil.test"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_browser_may_ask_before_it_calls(operator: httpx.AsyncClient) -> None:
    asked = await operator.options("/codec/decode", headers={"Origin": UI})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, UI)
    assert "authorization" in asked.headers["access-control-allow-headers"]
    other = await operator.options("/codec/decode", headers={"Origin": "http://evil.test"})
    assert "access-control-allow-origin" not in other.headers


async def test_what_cannot_be_opened_says_why_and_hides_nothing_else(operator: httpx.AsyncClient) -> None:
    """One payload of another installation does not spoil a page of a history."""
    foreign = Payload(metadata={"encoding": b"binary/tempor8-sealed", "tenant": b"acme"}, data=b"\x01" * 80)
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'"plain"')
    answer = await operator.post("/codec/decode", json=_body([foreign, plain]), headers=AUTHORIZED)
    assert answer.status_code == 200, answer.text
    texts = [base64.b64decode(each["data"]).decode() for each in answer.json()["payloads"]]
    assert "cannot be opened" in texts[0]
    assert texts[1] == '"plain"'
    for body in (b"", b'{"payloads": 1}', b"\xff", b'{"payloads":' * 2000):
        refused = await operator.post(
            "/codec/decode", content=body, headers=AUTHORIZED | {"content-type": "application/json"}
        )
        assert refused.status_code == 400, body[:20]
