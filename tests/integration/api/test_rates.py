"""Rates over the API: what a key, a tenant and an address may ask, and what they are told."""

import asyncio
import gc
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.tenants import TenantStore
from tests.exports import export, node, set_
from tests.patience import PATIENCE
from tests.service import application_with, client, started

pytestmark = pytest.mark.usefixtures("published")


def refused(answer: httpx.Response, policy: str) -> None:
    """It is refused as the standards have it."""
    assert answer.status_code == 429
    assert answer.json()["type"] == "/problems/too-many-requests"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["ratelimit-policy"].startswith(f'"{policy}";q=')
    assert answer.headers["ratelimit"].startswith(f'"{policy}";r=0;t=')


async def test_a_key_is_told_what_it_has_left_and_refused_when_nothing_is(
    dependencies: Dependencies, api_keys: tuple[str, str]
) -> None:
    app = application_with(dependencies, key_rate=0.3, tenant_rate=1.0)
    async with client(app, api_keys[0]) as acme, client(app, api_keys[1]) as globex:
        answers = [await acme.get("/workflows/acme:greeting:none/status") for _ in range(4)]
        assert [each.status_code for each in answers] == [404, 404, 404, 429]
        assert answers[0].headers["ratelimit-policy"] == '"tenant";q=10;w=10, "key";q=3;w=10'
        assert answers[0].headers["ratelimit"] == '"tenant";r=9;t=1, "key";r=2;t=4'
        assert answers[2].headers["ratelimit"].startswith('"tenant";r=7;')
        refused(answers[3], "key")
        assert (await globex.get("/templates")).status_code == 200
        assert (await acme.get("/livez")).status_code == 200


async def test_a_key_over_its_quota_leaves_the_tenants_to_its_other_keys(
    dependencies: Dependencies, api_keys: tuple[str, str], database: Database, keys: Keyring
) -> None:
    """Of ten of the tenant, the first key may use three, however often it asks."""
    other_key = await TenantStore(database, keys).issue("acme", "other")
    app = application_with(dependencies, key_rate=0.3, tenant_rate=1.0)
    async with client(app, api_keys[0]) as greedy, client(app, other_key) as other:
        statuses = [(await greedy.get("/workflows/acme:greeting:none/status")).status_code for _ in range(20)]
        assert statuses == [404] * 3 + [429] * 17
        answer = await other.get("/workflows/acme:greeting:none/status")
    assert answer.status_code == 404
    assert answer.headers["ratelimit"].startswith('"tenant";r=6;')


async def test_a_tenant_over_its_quota_costs_its_keys_nothing(
    dependencies: Dependencies, api_keys: tuple[str, str]
) -> None:
    app = application_with(dependencies, key_rate=0.3, tenant_rate=0.2)
    async with client(app, api_keys[0]) as acme:
        answers = [await acme.get("/workflows/acme:greeting:none/status") for _ in range(9)]
    refused(answers[-1], "tenant")


async def test_starts_of_a_tenant_are_bounded_on_every_way_that_starts_runs(
    dependencies: Dependencies, api_keys: tuple[str, str], acme: httpx.AsyncClient
) -> None:
    hook = node("Hook", "webhook", 2, path="rated", httpMethod="POST", responseMode="onReceived", options={})
    form = node("Form", "formTrigger", 2.2, formTitle="F", formFields={"values": []}, options={"path": "rated-form"})
    chat = node("Chat", "chatTrigger", 1.1, public=True, options={})
    chat["type"], chat["webhookId"] = "@n8n/n8n-nodes-langchain.chatTrigger", "rated-chat"
    workflow = export("rated", hook, set_("Done", ok="y"))
    workflow["nodes"] += [form, chat]
    assert (await acme.post("/templates", params={"key": "rated"}, json=workflow)).status_code in (200, 201)
    run = await started(acme, "greeting", {"name": "x"})
    ways = {
        "start": ("/workflows/start", {"json": {"workflow_template": "greeting"}}), "retry": (f"/workflows/{run}/retry", {"json": {}}),
        "webhook": ("/webhook/acme/rated", {"json": {}}), "form": ("/form/acme/rated-form", {"data": {}}),
        "chat": ("/webhook/acme/rated-chat/chat", {"json": {"chatInput": "x"}}),
    }  # fmt: skip
    for way, (path, body) in ways.items():
        async with client(application_with(dependencies, start_rate=0.1), api_keys[0]) as caller:
            first: httpx.Response = await caller.post("/workflows/start", json={"workflow_template": "greeting"})
            assert first.status_code == 202
            refused(await caller.post(path, **body), "starts")  # type: ignore[arg-type]  # options of httpx by name
            assert (await caller.get("/form/acme/rated-form")).status_code == 200, way


async def test_an_address_that_guesses_is_bounded_and_its_neighbours_go_on(
    dependencies: Dependencies, api_keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong keys, webhooks and forms of nobody: no query is made for them any more."""
    app = application_with(dependencies, unknown_rate=0.4)
    async with client(app) as guesser, client(app, api_keys[0]) as neighbour:
        assert (await neighbour.get("/templates")).status_code == 200
        misses = [
            await guesser.post("/webhook/nobody/x", json={}), await guesser.get("/form/nobody/x"),
            await guesser.post("/webhook-test/nobody/x", json={}),
            await guesser.get("/templates", headers={"x-api-key": f"t8_acme_{'0' * 48}"}),
        ]  # fmt: skip
        assert [each.status_code for each in misses] == [404, 404, 404, 401]

        async def asked(*_: Any) -> None:
            raise AssertionError("Postgres was asked")

        monkeypatch.setattr("service.templates.TemplateStore.webhooks", asked)
        monkeypatch.setattr("service.tenants.TenantStore.verify", asked)
        refused(await guesser.post("/webhook/nobody-else/x", json={}), "unknown")
        refused(await guesser.get("/form/nobody-else/x"), "unknown")
        refused(await guesser.get("/templates", headers={"x-api-key": f"t8_globex_{'1' * 48}"}), "unknown")
        assert (await neighbour.get("/templates")).status_code == 200


EVASIONS = {
    "a browser's question": ("OPTIONS", "/webhook/nobody/x"), "of a test": ("OPTIONS", "/webhook-test/nobody/x"),
    "a forged link": ("POST", "/webhook-waiting/nobody:t:1/1-x"),
    "a forged link with a token": ("POST", f"/webhook-waiting/nobody:t:1/1-{'0' * 32}"),
    "a forged form": ("GET", f"/form-waiting/nobody:t:1/1-{'0' * 32}"),
}  # fmt: skip


@pytest.mark.parametrize("evasion", EVASIONS)
async def test_no_way_of_asking_for_what_is_not_there_is_free(dependencies: Dependencies, evasion: str) -> None:
    """Neither does it make its address one that was found, which would be free from then on."""
    method, path = EVASIONS[evasion]
    async with client(application_with(dependencies, unknown_rate=0.4)) as guesser:
        answers = [await guesser.request(method, path) for _ in range(4)]
        assert {each.status_code for each in answers} <= {204, 401}
        refused(await guesser.request(method, path), "unknown")
        refused(await guesser.post("/webhook/nobody/x", json={}), "unknown")


async def test_keys_of_the_operator_are_guessed_as_slowly_as_others(dependencies: Dependencies) -> None:
    async with client(application_with(dependencies, unknown_rate=0.4)) as guesser:
        for path in ("/codec/decode", "/operator/tenants"):
            for guess in range(2):
                answer = await guesser.post(path, json={}, headers={"authorization": f"Bearer {path}{guess}"})
                assert answer.status_code == 401
        refused(await guesser.post("/codec/decode", json={}, headers={"authorization": "Bearer x"}), "unknown")


@pytest.mark.parametrize("tenant", ["a" * 64, "-", "a b", "%2e%2e", "a%00", "*", "a:b"])
async def test_what_is_no_tenants_id_costs_no_query(
    anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, tenant: str
) -> None:
    async def asked(*_: Any) -> None:
        raise AssertionError("Postgres was asked")

    monkeypatch.setattr("service.templates.TemplateStore.webhooks", asked)
    for path in ("webhook", "form", "webhook-test", "form-test"):
        for method in ("GET", "POST", "OPTIONS"):
            answer = await anonymous.request(method, f"/{path}/{tenant}/x")
            assert answer.status_code in (204, 404), (path, method)


async def test_the_event_streams_of_a_tenant_are_bounded(
    dependencies: Dependencies, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    """A stream of a run that waits is open until the run ends; then there is a place again."""
    start = node("Start", "executeWorkflowTrigger", 1.1, inputSource="passthrough")
    waiting = export("waiting", start, node("Hold", "wait", 1.1, resume="timeInterval", amount=1, unit="hours"))
    assert (await acme.post("/templates", params={"key": "rated-wait"}, json=waiting)).status_code in (200, 201)
    run = await started(acme, "rated-wait")
    async with client(application_with(dependencies, streams=1), api_keys[0]) as caller:
        both = [asyncio.create_task(caller.get(f"/workflows/{run}/events")) for _ in range(2)]
        # whichever asks first is answered when its stream ends
        (refused_one,), (listening,) = await asyncio.wait(both, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        answer = refused_one.result()
        assert answer.status_code == 429
        assert "event streams open" in answer.json()["detail"]
        assert (await acme.post(f"/workflows/{run}/cancel")).status_code == 202
        assert (await asyncio.wait_for(listening, PATIENCE)).status_code == 200
        gc.collect()
        assert (await caller.get(f"/workflows/{run}/events")).status_code == 200


async def test_streams_that_begin_at_once_are_counted_before_their_runs_begin(
    dependencies: Dependencies, acme: httpx.AsyncClient
) -> None:
    """They passed together, since each was counted once its run had begun."""
    chat = node("Chat", "chatTrigger", 1.1, public=True, options={"responseMode": "streaming"})
    chat |= {"type": "@n8n/n8n-nodes-langchain.chatTrigger", "webhookId": "rated-stream"}
    workflow = export("rated-stream", chat, set_("Done", ok="y"))
    assert (await acme.post("/templates", params={"key": "rated-stream"}, json=workflow)).status_code in (200, 201)
    async with client(application_with(dependencies, streams=1)) as caller:
        path, message = "/webhook/acme/rated-stream/chat", {"chatInput": "x", "sessionId": "s"}
        answers = await asyncio.gather(*(caller.post(path, json=message) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [200, 429, 429]
