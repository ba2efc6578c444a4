"""Worker deployment versioning: a run is pinned to its build, and goes over to the one that was promoted."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory
from temporalio.common import PinnedVersioningOverride, VersioningBehavior, WorkerDeploymentVersion

from bench.exports import START, chain, node, set_node
from cli.testing.case import plan_of
from runtime.hosts.temporal import build_id as deployment
from runtime.hosts.temporal.host import TemporalHost
from runtime.hosts.temporal.promotion import settle_build
from runtime.hosts.temporal.replay_gate import GATE
from runtime.hosts.temporal.worker import serve
from runtime.platform.settings import Settings
from schemas import names
from schemas.run import TASK_TIMEOUT, RunResult, StartInput
from service.worker_builds import Deployment, WorkerBuilds
from tests.patience import PATIENCE
from tests.service import eventually

pytestmark = pytest.mark.long

TENANT = "acme"


@contextlib.asynccontextmanager
async def serving(
    settings: Settings, build: str, monkeypatch: pytest.MonkeyPatch, named: str | None = None
) -> AsyncIterator[asyncio.Event]:
    """A worker of this build as `tempor8 worker` runs it; set the event to stop it before the end of the block."""
    stop = asyncio.Event()
    with monkeypatch.context() as patched:
        patched.setattr(deployment, "build_id", lambda: build)
        working = asyncio.create_task(serve(settings, stop))
        builds = WorkerBuilds(await connected(settings), settings.deployment, settings.queues)
        await eventually(lambda: _ready(working, builds, named or build))
    try:
        yield stop
    finally:
        stop.set()
        await working


async def _ready(working: asyncio.Task[None], builds: WorkerBuilds, build: str) -> bool:
    await asyncio.sleep(0.5)  # the server answers only so often
    if working.done():
        working.result()
    state = await builds.describe()
    found = state.build(build)
    return found is not None and found.last_poll > 0 and state.current is not None


async def connected(settings: Settings) -> Client:
    """A client that reads no payload."""
    return await Client.connect(settings.temporal_address or "")


@pytest.fixture
def settings(service: Settings) -> Settings:
    """A task queue and a deployment of this test alone."""
    own = {"task_queue": f"test-{uuid.uuid4()}", "deployment": f"test-{uuid.uuid4()}", "grace_seconds": 5}
    return service.model_copy(update=own)


@pytest.fixture
async def builds(temporal: Client, settings: Settings) -> WorkerBuilds:
    """The builds of this test's deployment."""
    return WorkerBuilds(temporal, settings.deployment, settings.queues)


async def start(client: Client, queue: str, *seconds: float) -> WorkflowHandle[Any, Any]:
    """A run that waits so long, once for each number, and then writes a field."""
    waits = [
        node(f"Wait {i}", "wait", 1.1, {"amount": each, "unit": "seconds"}, 200 + 50 * i)
        for i, each in enumerate(seconds)
    ]
    return await run_of(client, queue, chain(START, *waits, set_node("Done", 900, {"n": "1"})))


async def run_of(client: Client, queue: str, export: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    """A run of this export."""
    run = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
    plan = plan_of(export)
    given = StartInput(plan=plan, tenant=TENANT, template="test", execution_id=run, items=[{"json": {}}])
    return await client.start_workflow(
        "test", given.to_json(), id=run, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
    )


async def builds_of(client: Client, handle: WorkflowHandle[Any, Any], run: str | None = None) -> list[str]:
    """The builds that completed the workflow tasks of a run (its last one without `run`), in order."""
    chosen = client.get_workflow_handle(handle.id, run_id=run)
    return [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in (await chosen.fetch_history()).events
        if event.HasField("workflow_task_completed_event_attributes")
    ]


async def begun(client: Client, handle: WorkflowHandle[Any, Any]) -> None:
    """Until the run's first workflow task is done."""

    async def any_task() -> bool:
        return bool(await builds_of(client, handle))

    await eventually(any_task)


async def succeeded(handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether the run, or the one that it continued as, ended well."""
    return RunResult.model_validate(await asyncio.wait_for(handle.result(), PATIENCE)).journal.status == "success"


async def test_a_run_is_pinned_and_goes_over_by_continuing_as_new(
    temporal: Client,
    tenants: tuple[str, str],
    settings: Settings,
    builds: WorkerBuilds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No workflow task of a run is another build's than that of its first: what the new one gets is state, not history."""
    async with serving(settings, "first", monkeypatch), serving(settings, "second", monkeypatch):
        handle = await start(temporal, settings.task_queue, 2, 0.2)
        await begun(temporal, handle)
        await builds.promote("second")
        assert await succeeded(handle)
        assert set(await builds_of(temporal, handle, handle.first_execution_run_id)) == {"first"}
        assert set(await builds_of(temporal, handle)) == {"second"}


@pytest.mark.skipif(
    not hasattr(TemporalHost, "should_continue_inside"), reason="runs do not continue as new inside steps yet"
)
@pytest.mark.parametrize("kind", ["time", "call"])
async def test_a_run_goes_over_in_the_middle_of_a_wait(
    temporal: Client, tenants: tuple[str, str], settings: Settings, builds: WorkerBuilds, monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:  # fmt: skip
    """Woken by the promotion, so that a wait of a year needs no worker of last year; it ends when it would have ended."""
    resume = {"amount": 8, "unit": "seconds"} if kind == "time" else {"resume": "webhook", "options": {}}
    export = chain(START, node("Wait", "wait", 1.1, resume, 200), set_node("Done", 400, {"n": "1"}))
    async with serving(settings, "first", monkeypatch) as stop:
        handle = await run_of(temporal, settings.task_queue, export)
        await begun(temporal, handle)
        async with serving(settings, "second", monkeypatch):
            await builds.promote("second")
            assert await eventually(lambda: _moved(builds, "second")) == 1
            await eventually(lambda: _is_on(temporal, handle, "second"))
            stop.set()
            if kind == "call":
                payload: list[Any] = [{"json": {"body": {}}}]
                await temporal.get_workflow_handle(handle.id).execute_update(
                    names.UPDATE_RESUME, args=[0, payload, "onReceived"]
                )
            assert await succeeded(handle)
            assert set(await builds_of(temporal, handle, handle.first_execution_run_id)) == {"first"}
            assert set(await builds_of(temporal, handle)) == {"second"}


async def _moved(builds: WorkerBuilds, build: str) -> int:
    await asyncio.sleep(0.5)  # until visibility has the run
    return await builds.move_waiting(build)


async def _is_on(client: Client, handle: WorkflowHandle[Any, Any], build: str) -> bool:
    return set(await builds_of(client, handle)) == {build}


async def test_the_first_build_promotes_itself_and_no_later_one_does(
    temporal: Client,
    tenants: tuple[str, str],
    settings: Settings,
    builds: WorkerBuilds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which build is current is a step of a deployment; a worker that starts changes nothing."""
    async with serving(settings, "first", monkeypatch), serving(settings, "second", monkeypatch):
        assert (await builds.describe()).current == "first"
        handle = await start(temporal, settings.task_queue, 0.1)
        assert await succeeded(handle)
        assert set(await builds_of(temporal, handle)) == {"first"}


async def test_an_old_worker_that_restarts_does_not_take_the_runs_back(
    temporal: Client,
    tenants: tuple[str, str],
    settings: Settings,
    builds: WorkerBuilds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even where workers promote themselves: the newer build polls."""
    async with serving(settings, "old", monkeypatch), serving(settings, "new", monkeypatch):
        await settle_build(builds, "new", promote=True)
        assert (await builds.describe()).current == "new"
        await settle_build(builds, "old", promote=True)
        assert (await builds.describe()).current == "new"
        await builds.promote("old")  # an operator may go back
        assert (await builds.describe()).current == "old"


async def test_a_promotion_that_saw_another_state_is_refused(
    tenants: tuple[str, str], settings: Settings, builds: WorkerBuilds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two promotions at a time: the later one looks again at what the first one did."""
    async with serving(settings, "first", monkeypatch), serving(settings, "second", monkeypatch):
        seen = []

        async def race() -> None:
            other = WorkerBuilds(await connected(settings), settings.deployment, settings.queues)
            await other.promote("second")

        describe = builds.describe

        async def describe_then_race() -> Deployment:
            state = await describe()
            seen.append(state.current)
            if len(seen) == 1:
                await race()
            return state

        monkeypatch.setattr(builds, "describe", describe_then_race)
        assert not await builds.promote("first-again", unless=lambda state: state.current == "second")
        assert seen == ["first", "second"]


async def test_a_run_whose_build_has_no_worker_stands_still_until_it_is_moved(
    temporal: Client,
    tenants: tuple[str, str],
    settings: Settings,
    builds: WorkerBuilds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The new build replays its history; everything that was signalled meanwhile arrives."""
    monkeypatch.setattr("service.worker_builds.POLL_SECONDS", 3.0)
    async with serving(settings, "first", monkeypatch):
        handle = await start(temporal, settings.task_queue, 1, 0.1)
        await begun(temporal, handle)
    async with serving(settings, "second", monkeypatch):
        await builds.promote("second")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(handle.result(), 2)  # brief: it does not end
        assert await builds.move_stranded("second") == 1
        assert await succeeded(handle)
        assert set(await builds_of(temporal, handle)) == {"first", "second"}


async def test_a_step_whose_worker_was_the_last_of_its_build_is_done_by_the_next_one(
    temporal: Client, tenants: tuple[str, str], settings: Settings, builds: WorkerBuilds, monkeypatch: pytest.MonkeyPatch,
    loopback: None,
) -> None:  # fmt: skip
    """The one worker is replaced in the middle of a step that takes longer than its grace: the step is tried again there."""
    requests, gate = [], asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        if len(requests) == 1:
            await gate.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    hasty = settings.model_copy(update={"grace_seconds": 0.5})
    monkeypatch.setattr("service.worker_builds.POLL_SECONDS", 3.0)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        call = node("Call", "httpRequest", 4.2, {"method": "POST", "url": url, "options": {}}, 200)
        async with serving(hasty, "first", monkeypatch):
            handle = await run_of(temporal, settings.task_queue, chain(START, call, set_node("Done", 400, {"n": "1"})))
            while not requests:
                await asyncio.sleep(0.1)
        async with serving(settings, "second", monkeypatch):
            await builds.promote("second")
            assert await builds.move_stranded("second") == 1
            assert await succeeded(handle)
        gate.set()
    assert len(requests) == 2


async def test_a_run_of_an_installation_without_pins_goes_over_in_place(
    temporal: Client,
    tenants: tuple[str, str],
    settings: Settings,
    builds: WorkerBuilds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Builds of before let their runs go to whatever is current; the first pinning build pins what it gets."""
    pinned = deployment.config
    with monkeypatch.context() as patched:
        patched.setattr(
            deployment, "config",
            lambda *names: replace(pinned(*names), default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE),
        )  # fmt: skip
        async with serving(settings, "first", monkeypatch):
            handle = await start(temporal, settings.task_queue, 3, 0.1)
            await begun(temporal, handle)
    async with serving(settings, "second", monkeypatch):
        await builds.promote("second")
        assert await succeeded(handle)
        assert await builds_of(temporal, handle) == [
            "first",
            *["second"] * (len(await builds_of(temporal, handle)) - 1),
        ]


async def test_a_deployment_in_the_middle_of_a_request_repeats_nothing(
    temporal: Client, tenants: tuple[str, str], settings: Settings, builds: WorkerBuilds, monkeypatch: pytest.MonkeyPatch,
    loopback: None,
) -> None:  # fmt: skip
    """A POST that takes twelve seconds is sent once: the old worker finishes it after SIGTERM, and the new build goes on."""
    requests = []

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        await asyncio.sleep(12)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    draining = settings.model_copy(update={"grace_seconds": 30})
    async with await asyncio.start_server(slow, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        call = node("Call", "httpRequest", 4.2, {"method": "POST", "url": url, "options": {}}, 200)
        async with serving(draining, "first", monkeypatch) as stop:
            handle = await run_of(temporal, settings.task_queue, chain(START, call, set_node("Done", 400, {"n": "1"})))
            async with serving(draining, "second", monkeypatch):
                while not requests:
                    await asyncio.sleep(0.1)
                await builds.promote("second")
                stop.set()  # SIGTERM
                assert await succeeded(handle)
    assert len(requests) == 1


def test_a_build_is_named_after_its_interpreter_and_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same code gives the same name; another version of a library another one."""
    deployment.build_id.cache_clear()
    first = deployment.build_id()
    deployment.build_id.cache_clear()
    assert deployment.build_id() == first
    monkeypatch.setattr(
        "runtime.hosts.temporal.build_id.metadata.version", lambda name: "99" if name == "mini-racer" else "1"
    )
    deployment.build_id.cache_clear()
    assert deployment.build_id() != first
    deployment.build_id.cache_clear()


async def gate(client: Client, settings: Settings, build: str) -> Any:
    """What the replay gate says of a build, started as Temporal's worker controller starts it."""
    version = WorkerDeploymentVersion(deployment_name=settings.deployment, build_id=build)
    return await client.execute_workflow(
        GATE, id=f"test-{settings.deployment}:{build}", task_queue=settings.task_queue, result_type=dict,
        versioning_override=PinnedVersioningOverride(version),
    )  # fmt: skip


async def test_a_build_that_continues_the_open_runs_passes_the_gate_before_it_is_current(
    temporal: Client, settings: Settings, builds: WorkerBuilds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its own worker, while the old build goes on."""
    async with serving(settings, "old", monkeypatch):
        run = await start(temporal, settings.task_queue, 60)
        await eventually(lambda: _waits(run))
        new = settings.model_copy(update={"worker_build": "new"})
        async with serving(new, "unused", monkeypatch, named="new"):
            assert (await builds.describe()).current == "old"
            assert await gate(temporal, settings, "new") == {"replayed": 1, "gone": 0}
            assert (await builds.describe()).current == "old", "who named the build promotes it"
        await run.terminate()


async def test_a_build_on_which_an_open_run_does_not_replay_fails_the_gate(
    temporal: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(settings, "old", monkeypatch):
        run = await start(temporal, settings.task_queue, 60)
        await eventually(lambda: _waits(run))
        fetch = WorkflowHandle.fetch_history

        async def doctored(self: WorkflowHandle[Any, Any], **rest: Any) -> WorkflowHistory:
            """As if the new code waited elsewhere: the timer of the history is no timer of its own."""
            history = await fetch(self, **rest)
            for event in history.events:
                if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
                    event.event_type = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
                    event.activity_task_scheduled_event_attributes.activity_id = "1"
                    event.activity_task_scheduled_event_attributes.activity_type.name = "run_step"
            return history

        monkeypatch.setattr(WorkflowHandle, "fetch_history", doctored)
        with pytest.raises(WorkflowFailureError) as failed:
            await gate(temporal, settings, "old")
        assert run.id in str(failed.value.cause.__cause__)
        await run.terminate()


async def _waits(run: WorkflowHandle[Any, Any]) -> bool:
    history = await run.fetch_history()
    return any(each.event_type == EventType.EVENT_TYPE_TIMER_STARTED for each in history.events)
