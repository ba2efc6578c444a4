"""Builds a worker: client, services, workflow and activities on one task queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Final

from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.runtime import Runtime
from temporalio.worker import Worker

from runtime.catalog import CATALOG, load_types_of, upgrade
from runtime.expressions.v8 import evaluator_of
from runtime.expressions.v8 import start as start_scripts
from runtime.hosts.temporal import build_id as deployment
from runtime.hosts.temporal.activities import Activities, Links, Slots, Templates
from runtime.hosts.temporal.deaths import TaskGuard
from runtime.hosts.temporal.extern import ScriptInterceptor
from runtime.hosts.temporal.guarded_runner import GuardedRunner
from runtime.hosts.temporal.promotion import settle_build
from runtime.hosts.temporal.registrar import Registrar
from runtime.hosts.temporal.replay_gate import OpenRunReplay, ReplayGate
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.run_end_writer import RunEndWriter
from runtime.hosts.temporal.shares import StepShares
from runtime.hosts.temporal.slot_supplier import MAX_LOCAL_STEPS, MAX_STEPS, tuner
from runtime.hosts.temporal.step_figures import StepFigures
from runtime.hosts.temporal.workflow import TemplateWorkflow
from runtime.hosts.threads import TenantThreads
from runtime.interpreter.capabilities import HostCapabilities
from runtime.platform.credential_store import credential_store
from runtime.platform.keys import keyring
from runtime.platform.plan_cache import PlanCache
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings, SettingsError
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.telemetry.logging import get_logger
from runtime.platform.temporal import connect, data_converter
from runtime.platform.watchdog import watched
from schemas import names
from schemas.run import PAYLOAD_LIMIT
from schemas.run_end import RunEnd
from service.background_loops import BackgroundLoop, BackgroundLoops
from service.concurrency import ConcurrencyQueue
from service.operator_metrics import OperatorMetrics
from service.plan_store import PlanStore
from service.resume_keys import ResumeLinks
from service.run_ends import RunEnds
from service.run_templates import RunTemplates
from service.task_deaths import TaskDeaths
from service.templates import TemplateStore
from service.worker_builds import WorkerBuilds

log = get_logger("tempor8.worker")

HANDOVER_SECONDS: Final = 3.0
"""Seconds in which runs go on whose steps were the last of a worker that stops, once Temporal has given up asking that worker."""
DEADLOCK_TIMEOUT_SECONDS: Final = 60
"""Seconds that one activation of a workflow may take before the SDK calls it a deadlock. They count the time that others have the
processor, so a worker with a tenth of one needs ten times as long. The server waits longer with every attempt of a task; what is given
up before its time-out would be given up at every attempt.
"""


def build_worker(
    client: Client,
    capabilities: HostCapabilities,
    templates: Templates,
    task_queue: str,
    *,
    slots: Slots | None = None,
    links: Links | None = None,
    payload_limit: int = PAYLOAD_LIMIT,
    plans: PlanCache | None = None,
    settings: Settings | None = None,
    build: str | None = None,
    steps: bool = True,
    ended: Callable[[RunEnd], None] | None = None,
    guard: TaskGuard | None = None,
) -> Worker:
    """Return a worker that is not started yet.

    Args:
        client: its connection; the data converter must fill `plans`.
        capabilities: of the steps.
        templates: where other workflows are found.
        task_queue: where it polls.
        slots: see `Activities`.
        links: see `Activities`.
        payload_limit: bytes of what a run may hand out.
        plans: the plans that runs refer to by hash; None: every run's input has its plan.
        settings: how it drains, and its deployment; None: the defaults of the embedded profile.
        build: its build, which gets no runs until it is current; None: it takes any run and no versioned worker may be beside it.
        steps: False: it decides what runs do next and takes no steps but local ones.
        ended: see `ScriptInterceptor`.
        guard: knows which tasks have ended workers; None: deaths are counted by heartbeats alone.
    """
    settings = settings or Settings(grace_seconds=5, sticky_seconds=1)
    CATALOG.load()
    start_scripts()
    guard = guard or TaskGuard(None, settings.deaths)
    shares = StepShares(MAX_STEPS, MAX_LOCAL_STEPS, settings.step_share)
    threads = TenantThreads(share=settings.step_share)
    steps_of = Activities(
        CATALOG,
        capabilities,
        templates,
        slots,
        links,
        payload_limit,
        shares,
        guard,
        threads,
        StepFigures(_meter(client)),
    )
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[TemplateWorkflow, ReplayGate],
        activities=[*steps_of.all(), OpenRunReplay(client, plans, settings.deployment).replay],
        interceptors=[ScriptInterceptor(evaluator_of, plans, ended)],
        # the sandbox costs two milliseconds per run and guards nothing of ours: see tests/replay/test_sandbox.py
        workflow_runner=GuardedRunner(guard, partial(tell_deaths, client), _meter(client)),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_seconds),
        max_heartbeat_throttle_interval=timedelta(milliseconds=50),
        default_heartbeat_throttle_interval=timedelta(milliseconds=50),
        tuner=tuner(),
        max_cached_workflows=500,
        graceful_shutdown_timeout=timedelta(seconds=settings.grace_seconds),
        no_remote_activities=not steps,
        deployment_config=deployment.config(settings.deployment, build) if build else None,
    )
    inner = worker._workflow_worker  # noqa: SLF001  # it has no argument for it
    assert inner is not None
    inner._deadlock_timeout_seconds = DEADLOCK_TIMEOUT_SECONDS  # noqa: SLF001
    return worker


def _meter(client: Client) -> MetricMeter:
    """Return where the metrics of the client's process go."""
    return (client.service_client.config.runtime or Runtime.default()).metric_meter


async def tell_deaths(client: Client, workflow_id: str, run_id: str, deaths: int) -> None:
    """Signal a run that a task of it has ended so many workers. Raises RPCError."""
    await client.get_workflow_handle(workflow_id, run_id=run_id).signal(names.SIGNAL_DEATHS, deaths)


@contextlib.asynccontextmanager
async def worker(
    settings: Settings,
    *,
    tenant: str | None = None,
    build: str | None = None,
    steps: bool = True,
    registers: bool = False,
) -> AsyncIterator[Worker]:
    """Yield a worker over the servers that the settings name, ready to `run`.

    Args:
        settings: of the servers, and of the worker itself.
        tenant: whose own task queue it polls; None: the shared one.
        build: see `build_worker`.
        steps: see `build_worker`.
        registers: whether it registers triggers at their vendors.

    Raises TemporalUnavailable or DatabaseUnavailable, which say what to start.
    """
    keys = keyring(settings)
    assert settings.database_url is not None
    async with Database(
        settings.database_url.get_secret_value(), size=settings.database_pool_size, keys=keys
    ) as database:
        blobs = BlobStore.of(settings, database, keys)
        plans = PlanCache(PlanStore(database).load, prepare=load_types_of, max_bytes=settings.plan_cache)
        client = await connect(settings, data_converter(settings, keys, blobs, plans))
        links = ResumeLinks.of_settings(settings, keys)
        store = credential_store(settings, database, keys)
        resources = WorkerResources.of(settings, database, store, blobs)
        ends = RunEndWriter(RunEnds(database, keys).write)
        guard = TaskGuard(TaskDeaths(database, settings.database_url.get_secret_value()), settings.deaths)
        loops, capabilities = BackgroundLoops(), resources.capabilities()
        # in a thread: each takes the interpreter for no longer than a few milliseconds at a time
        loading = asyncio.create_task(asyncio.to_thread(capabilities.load_modules)) if steps else None
        try:
            async with ends.open():
                built = build_worker(
                    client,
                    capabilities,
                    RunTemplates(database, TemplateStore(database, upgrade), settings.run_limit_of),
                    settings.task_queue if tenant is None else settings.queue_of(tenant),
                    slots=ConcurrencyQueue(database),
                    links=links,
                    payload_limit=settings.payload_limit,
                    plans=plans,
                    settings=settings,
                    build=build,
                    steps=steps,
                    ended=ends.note,
                    guard=guard,
                )
                if registers:
                    registrar = _registrar(settings, database, resources, tenant)
                    loops.start(BackgroundLoop("registrations", registrar.run, late_after=600))
                if settings.metrics_address:
                    figures = OperatorMetrics(_meter(client), database, loops, {"worker": database})
                    loops.start(BackgroundLoop("worker metrics", figures.run_for_process, late_after=60))
                # from here on: the node types that it has just loaded take seconds on a busy machine
                with watched(settings.watchdog_seconds if steps else 0, guard.report):
                    yield built
        finally:
            await loops.stop()
            await resources.close()
            if loading is not None:
                await loading


def _registrar(settings: Settings, database: Database, resources: WorkerResources, tenant: str | None) -> Registrar:
    """Return what registers the triggers of the worker's tenants at their vendors."""
    assert settings.database_url is not None

    def serves(each: str) -> bool:
        return each not in settings.tenant_queues if tenant is None else each == tenant

    lock_url = settings.database_url.get_secret_value()
    return Registrar(database, resources.capabilities(), CATALOG, settings.content_base, lock_url, serves)


async def serve(settings: Settings, stop: asyncio.Event, tenant: str | None = None) -> None:
    """Work until `stop` is set, then finish what runs, for as long as the settings give it.

    Args:
        settings: of the servers, and of the worker itself.
        stop: set to end.
        tenant: whose own task queue it polls; None: the shared one.

    Raises:
        SettingsError: the settings give the tenant no task queue of its own.
    """
    if tenant is not None and tenant not in settings.tenant_queues:
        raise SettingsError(
            f"TEMPOR8_TENANT_QUEUES does not name {tenant!r}: its runs go to the shared task queue {settings.task_queue!r}. "
            "Set the variable for every API and worker process."
        )
    build = settings.worker_build or deployment.build_id()
    async with worker(settings, tenant=tenant, build=build, registers=True) as built, built:
        log.info("worker polls", build=build, task_queue=built.task_queue)
        if settings.worker_build is None:  # else who named the build promotes it: Temporal's worker controller
            builds = WorkerBuilds(built.client, settings.deployment, settings.queues)
            await settle_build(builds, build, promote=settings.promote)
        await stop.wait()
        log.info("worker drains", grace_seconds=settings.grace_seconds)
        await _drain(built, settings, tenant, build)


async def _drain(stopping: Worker, settings: Settings, tenant: str | None, build: str) -> None:
    """Finish the steps that run, and let their runs go on: to the build that is current, or to their next step.

    A worker that stops polls for nothing, and a run is pinned to its build: without another poller of the build, the run would not
    learn that its step has ended.
    """
    activities = stopping._activity_worker  # noqa: SLF001  # it has no name for what runs
    if activities is None or not activities._running_activities:  # noqa: SLF001
        return
    async with worker(settings, tenant=tenant, build=build, steps=False) as deciding, deciding:
        await stopping.shutdown()
        await asyncio.sleep(settings.sticky_seconds + HANDOVER_SECONDS)
