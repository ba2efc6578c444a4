"""A run that has begun is never answered with 500: 503, Retry-After and its id while it has no reply; later the reply."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from litestar import Litestar
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.app import create_app
from api.dependencies import Dependencies
from cli.support.wiring import open_dependencies
from runtime.hosts.temporal.worker import worker as built_worker
from runtime.platform.settings import Settings
from service.run_reader import STATE_TIMEOUT
from tests.exports import export, node, set_
from tests.integration.api.test_chats import chat
from tests.integration.api.test_mcp import ask, server
from tests.integration.api.test_waits import start_waiting
from tests.patience import PATIENCE
from tests.service import client, ended, eventually, started

QUEUE = "nobody-polls"
PENDING = "/problems/reply-pending"


@pytest.fixture
async def away(service: Settings, api_keys: tuple[str, str]) -> AsyncIterator[tuple[Settings, Dependencies, Litestar]]:
    """An application whose task queue has no worker."""
    del api_keys
    queue = f"{QUEUE}-{uuid.uuid4().hex[:8]}"
    settings = service.model_copy(update={"task_queue": queue, "worker_timeout": 1.0, "reply_timeout": 6.0})
    async with open_dependencies(settings) as dependencies:
        yield settings, dependencies, create_app(dependencies, projector=False)


@contextlib.asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """A worker for the queue."""
    async with built_worker(settings) as built, built:
        yield


async def test_a_failed_run_is_tried_again_while_no_worker_is_there(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """It has left what a retry needs, so none is asked, one by one or in bulk; the new run waits for a worker."""
    settings, _, application = away
    throws = node("Throws", "code", 2, jsCode="throw new Error('no')")
    document = export("Fails", node("Start", "manualTrigger"), set_("Made", made="1"), throws)
    async with client(application, api_keys[0]) as caller:
        assert (await caller.post("/templates", params={"key": "fails-away"}, json=document)).is_success
        run = await started(caller, "fails-away")
        async with working(settings):
            assert (await ended(caller, run))["status"] == "failed"
        began = time.monotonic()
        answer = await caller.post(f"/workflows/{run}/retry", json={})
        assert answer.status_code == 202, answer.text
        assert time.monotonic() - began < STATE_TIMEOUT.total_seconds(), "no question waited for a worker"
        new = answer.json()["workflow_id"]
        async with working(settings):
            assert (await ended(caller, new))["status"] == "failed"
        history = (await caller.get(f"/workflows/{new}/history")).json()["steps"]
    assert [each["node"] for each in history] == ["Start", "Made", "Throws"]


async def publish(application: Litestar, key: str, mode: str, *then: Any, tenant_key: str) -> None:
    """Publish a template with a webhook at the path `key`."""
    hook = node("Hook", "webhook", 2, path=key, httpMethod="POST", responseMode=mode, options={})
    async with client(application, tenant_key) as caller:
        answer = await caller.post("/templates", params={"key": key}, json=export(key, hook, *then))
        assert answer.status_code in (200, 201), answer.text


def is_pending(answer: httpx.Response, tenant: str = "acme") -> str:
    """Assert that the answer is that of a run that has begun; return the run's id."""
    assert answer.status_code == 503, answer.text
    document = answer.json()
    assert document["type"] == PENDING
    assert int(answer.headers["retry-after"]) > 0
    assert document["workflow_id"].startswith(f"{tenant}:")
    assert document["links"]["status"] == f"/workflows/{document['workflow_id']}/status"
    return str(document["workflow_id"])


async def test_a_webhook_whose_worker_is_away_says_which_run_has_begun_and_a_delivery_attaches_to_it(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """The same delivery again waits for the same run, and gets its reply once a worker is there; also of another tenant."""
    settings, _, application = away
    last = set_("Made", made="={{ Math.random() }}")
    for key in api_keys:
        await publish(application, "worker-away", "lastNode", last, tenant_key=key)
    headers = {"x-github-delivery": uuid.uuid4().hex}
    async with client(application) as caller:
        began = time.monotonic()
        answers = [
            await caller.post(f"/webhook/{tenant}/worker-away", json={}, headers=headers)
            for tenant in ("acme", "globex", "acme")
        ]
        assert time.monotonic() - began < PATIENCE
        runs = [is_pending(answer, tenant) for answer, tenant in zip(answers, ("acme", "globex", "acme"), strict=True)]
        assert runs[0] == runs[2] != runs[1]
        assert "No worker" in answers[0].json()["detail"]
        async with working(settings):
            replies = [await caller.post("/webhook/acme/worker-away", json={}, headers=headers) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200], replies[0].text
    assert replies[0].text == replies[1].text
    async with client(application, api_keys[0]) as caller:
        assert (await caller.get(f"/workflows/{runs[0]}/status")).json()["status"] == "completed"


async def test_a_worker_that_comes_back_in_time_is_waited_for(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """The API attaches again by itself: the caller sees nothing but a slow reply."""
    settings, _, _ = away
    patient = settings.model_copy(update={"worker_timeout": 30.0, "reply_timeout": 60.0})
    async with open_dependencies(patient) as dependencies:
        application = create_app(dependencies, projector=False)
        await publish(application, "worker-back", "lastNode", set_("Made", made="1"), tenant_key=api_keys[0])
        async with client(application) as caller:
            call = asyncio.create_task(caller.post("/webhook/acme/worker-back", json={}))
            await eventually(lambda: has_begun(dependencies, "worker-back"))
            async with working(settings):
                answer = await call
    assert answer.status_code == 200, answer.text


async def has_begun(dependencies: Dependencies, key: str) -> bool:
    """Whether Temporal has a run of a template."""
    return bool([each async for each in dependencies.temporal.list_workflows(f"WorkflowType = '{key}'")])


@workflow.defn(dynamic=True)
class Broken:
    """A build with a mistake: each workflow task fails."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        """Fail the task."""
        del args
        raise RuntimeError("a mistake of the build")


async def test_a_run_whose_workflow_task_fails_is_pending_and_not_a_mistake_of_the_service(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str], temporal: Client
) -> None:
    """Temporal refuses the update ("Workflow Task in failed state"); a mended build then replies to the same delivery."""
    settings, _, application = away
    await publish(application, "task-fails", "lastNode", set_("Made", made="1"), tenant_key=api_keys[0])
    headers = {"idempotency-key": uuid.uuid4().hex}
    async with client(application) as caller:
        async with Worker(
            temporal, task_queue=settings.task_queue, workflows=[Broken],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):  # fmt: skip
            first = await caller.post("/webhook/acme/task-fails", json={}, headers=headers)
            again = await caller.post("/webhook/acme/task-fails", json={}, headers=headers)
        assert is_pending(first) == is_pending(again)
        assert "workflow task fails" in again.json()["detail"]
        async with working(settings):

            async def mended() -> bool:
                return (await caller.post("/webhook/acme/task-fails", json={}, headers=headers)).status_code == 200

            assert await eventually(mended)


async def test_a_server_that_is_stopped_tells_its_waiting_callers_after_the_grace(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """503 with the run's id, not a connection that is cut."""
    settings, _, _ = away
    async with open_dependencies(settings.model_copy(update={"worker_timeout": 30.0})) as dependencies:
        application = create_app(dependencies, projector=False)
        await publish(application, "stopped", "lastNode", set_("Made", made="1"), tenant_key=api_keys[1])
        async with client(application) as caller:
            call = asyncio.create_task(caller.post("/webhook/globex/stopped", json={}))
            await eventually(lambda: has_begun(dependencies, "stopped"))
            dependencies.shutdown.request(0.2)
            answer = await asyncio.wait_for(call, PATIENCE)
    is_pending(answer, "globex")
    assert "stopped" in answer.json()["detail"]


async def test_a_form_whose_run_has_no_reply_shows_a_page_that_says_so(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """What was sent is not lost, and the page says that it need not be sent again."""
    _, _, application = away
    fields = {"values": [{"fieldLabel": "Name", "fieldType": "text"}]}
    form = node(
        "Form",
        "formTrigger",
        2.2,
        formTitle="F",
        formFields=fields,
        responseMode="lastNode",
        options={"path": "form-away"},
    )
    async with client(application, api_keys[0]) as caller:
        answer = await caller.post(
            "/templates", params={"key": "form-away"}, json=export("F", form, set_("Made", made="1"))
        )
        assert answer.status_code == 201, answer.text
    async with client(application) as caller:
        sent = await caller.post("/form/acme/form-away", data={"field-0": "Ada"})
    assert sent.status_code == 503, sent.text
    assert "need not send it again" in sent.text
    assert sent.headers["retry-after"]


async def test_chats_and_tools_say_which_run_has_begun(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """A message and a call of a tool are 503 with the run's id, in the terms of their callers."""
    _, _, application = away
    async with client(application, api_keys[0]) as caller:
        for key, workflow in (("chat-away", chat()), ("tools-away", server())):
            workflow["nodes"][0]["webhookId"] = key
            if key == "tools-away":
                workflow["nodes"][0]["parameters"]["path"] = key
            answer = await caller.post("/templates", params={"key": key}, json=workflow)
            assert answer.status_code in (200, 201), answer.text
    async with client(application) as caller:
        said = await caller.post("/webhook/acme/chat-away/chat", json={"sessionId": "s", "chatInput": "hello"})
        assert ":chat-away:" in is_pending(said)
        called = await caller.post(
            "/mcp/acme/tools-away", json=ask("tools/call", 7, name="Double", arguments={"input": "21"})
        )
    assert called.status_code in (200, 503), called.text
    assert "acme:tools-away:" in called.text


async def test_a_link_that_is_followed_without_a_worker_is_good_once_there_is_one(
    away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """503 with the run's id. Nothing is lost: what was sent, now or again, resumes the run."""
    settings, _, application = away
    async with client(application, api_keys[0]) as caller:
        async with working(settings):
            link, run = await start_waiting(caller, caller, "link-away")
        pending = await caller.get(f"{link}?ok=first")
        assert is_pending(pending) == run
        async with working(settings):

            async def resumed() -> bool:
                answer = await caller.get(f"{link}?ok=again")
                return answer.status_code in (200, 409)

            assert await eventually(resumed)
            assert (await ended(caller, run))["status"] == "completed"
            result = (await caller.get(f"/workflows/{run}/result")).json()
    assert result["outputs"][0][0]["json"]["answer"] in ("first", "again")


async def test_the_steps_of_a_terminated_run_are_shown_without_a_worker(
    application: Litestar, away: tuple[Settings, Dependencies, Litestar], api_keys: tuple[str, str]
) -> None:
    """A worker that was there said what the run had done; the rows say it when nobody can be asked any more."""
    del application  # its projector writes the rows
    settings, dependencies, own = away
    waits = export(
        "waits", node("Start", "manualTrigger"), set_("Before", a="1"), node("Wait", "wait", 1.1, amount=600)
    )
    async with client(own, api_keys[0]) as caller:
        assert (await caller.post("/templates", params={"key": "waits-away"}, json=waits)).status_code in (200, 201)
        async with working(settings):
            run = await started(caller, "waits-away")

            async def active() -> bool:
                return bool(((await caller.get(f"/workflows/{run}/status")).json()["progress"] or {}).get("active"))

            assert await eventually(active)
            await dependencies.temporal.get_workflow_handle(run).terminate(reason="an operator")

            async def written() -> bool:
                row = await dependencies.executions.get("acme", run, with_steps=True)
                return row is not None and bool(row.steps)

            assert await eventually(written)
        history = (await caller.get(f"/workflows/{run}/history")).json()
    assert history["status"] == "terminated"
    assert [step["node"] for step in history["steps"]][:2] == ["Start", "Before"]
    assert "an operator" in history["error"]["message"]
