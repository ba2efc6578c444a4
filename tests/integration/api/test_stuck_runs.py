"""A run that does not go on says why, since when, and what to do: in its status, its history, and in /health."""

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar
from temporalio import activity, workflow
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import RawValue, RetryPolicy, VersioningBehavior, WorkerDeploymentVersion
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from api.app import create_app
from cli.support.wiring import open_dependencies
from runtime.platform.settings import Settings
from service import worker_presence
from service.run_problems import finder
from service.worker_presence import WorkerPresence
from tests.exports import export, node, set_
from tests.service import client, eventually


@pytest.fixture
async def stuck(service: Settings, api_keys: tuple[str, str]) -> AsyncIterator[tuple[str, Litestar]]:
    """A task queue without workers, and an application that uses it."""
    del api_keys
    queue = f"stuck-{uuid.uuid4().hex[:8]}"
    async with open_dependencies(service.model_copy(update={"task_queue": queue})) as dependencies:
        yield queue, create_app(dependencies, projector=False)


@pytest.fixture
async def caller(stuck: tuple[str, Litestar], api_keys: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The second tenant's client, with a template."""
    async with client(stuck[1], api_keys[1]) as opened:
        answer = await opened.post(
            "/templates",
            params={"key": "stuck"},
            json=export("Stuck", node("Start", "manualTrigger"), set_("Made", made="1")),
        )
        assert answer.status_code in (200, 201), answer.text
        yield opened


async def start(caller: httpx.AsyncClient) -> str:
    """A run of it."""
    answer = await caller.post("/workflows/start", json={"workflow_template": "stuck"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["workflow_id"])


async def problem(caller: httpx.AsyncClient, run: str, kind: str, seconds: float = 20.0) -> dict[str, Any]:
    """The run's problem of this kind, once its status and its history show it."""

    async def shown() -> Any:
        found: list[dict[str, Any]] = []
        for route in ("history", "status"):
            answer = await caller.get(f"/workflows/{run}/{route}")
            assert answer.status_code == 200, answer.text
            found = [each for each in answer.json()["problems"] if each["kind"] == kind]
            if not found:
                return None
        return found[0]

    shown_problem: dict[str, Any] = await eventually(shown, seconds)
    assert len(shown_problem["hint"]) > 20
    return shown_problem


@workflow.defn(dynamic=True)
class Broken:
    """A build with a mistake."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        """Fail the task."""
        del args
        raise RuntimeError("a mistake of the build")


@workflow.defn(dynamic=True)
class Calling:
    """A run whose step is tried again and again."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        """Do the step."""
        del args
        await workflow.execute_activity(
            "away", activity_id="Get lead#0#1#1", start_to_close_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2)),
        )  # fmt: skip


@activity.defn
async def away() -> None:
    """Postgres is not there."""
    raise ApplicationError("Postgres at 10.0.0.7:5432 does not answer", type="DatabaseUnavailable")


async def test_a_run_whose_workflow_task_fails_says_why(
    stuck: tuple[str, Litestar], caller: httpx.AsyncClient, temporal: Client
) -> None:
    """With the error of the worker, and how often it was tried."""
    run = await start(caller)
    async with Worker(
        temporal, task_queue=stuck[0], workflows=[Broken], workflow_runner=UnsandboxedWorkflowRunner()
    ):  # fmt: skip
        shown = await problem(caller, run, "workflow_task")
    assert "a mistake of the build" in shown["message"]
    assert shown["cause"] == "WorkflowWorkerUnhandledFailure"
    assert shown["attempt"] > 1
    assert shown["since"]


async def test_a_step_that_is_tried_again_says_what_is_away(
    stuck: tuple[str, Litestar], caller: httpx.AsyncClient, temporal: Client
) -> None:
    """In the author's terms: the node, the attempt, the next try; and no address."""
    run = await start(caller)
    async with Worker(
        temporal, task_queue=stuck[0], workflows=[Calling], activities=[away],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):  # fmt: skip
        shown = await problem(caller, run, "activity")
    assert (shown["cause"], shown["message"]) == ("DatabaseUnavailable", "Postgres is away")
    assert shown["node"] == "Get lead"
    assert shown["attempt"] >= 2
    assert shown["next_try_at"]


async def test_a_run_that_no_worker_takes_says_so(caller: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; /health says the same."""
    monkeypatch.setattr(finder, "PATIENCE_SECONDS", 0.3)
    run = await start(caller)
    shown = await problem(caller, run, "worker")
    assert "No worker polls" in shown["message"]
    assert shown["cause"] == "NoWorker"
    health = (await caller.get("/health")).json()
    assert health["status"] == "degraded"
    assert "No worker polls" in health["checks"]["workers"]["hint"]


async def test_health_asks_for_workers_of_the_current_build(
    stuck: tuple[str, Litestar], temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of another build polls, and nothing runs: the build that is missing is named, with what to run."""
    monkeypatch.setattr(worker_presence, "AGE_SECONDS", 0.0)
    queue, deployment = stuck[0], f"deployment-{uuid.uuid4().hex[:8]}"
    presence = WorkerPresence(temporal, queue, deployment)
    config = WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=deployment, build_id="old"), use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )  # fmt: skip
    async with Worker(
        temporal, task_queue=queue, workflows=[Broken], workflow_runner=UnsandboxedWorkflowRunner(),
        deployment_config=config,
    ):  # fmt: skip

        async def polls() -> bool:
            return "old" in (await presence.look()).polls

        assert await eventually(polls)
        assert "No build of the worker is the current one" in str((await presence.look()).missing())

        async def promote(build: str) -> None:
            await temporal.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=temporal.namespace, deployment_name=deployment, build_id=build,
                    ignore_missing_task_queues=True, allow_no_pollers=True, identity="a test",
                )
            )  # fmt: skip

        await promote("old")
        assert (await presence.look()).missing() is None
        await promote("new")
        missing = str((await presence.look()).missing())
    assert "build new is the current one" in missing
    assert "--build old" in missing
