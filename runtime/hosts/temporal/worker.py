"""Builds a worker: client, services, workflow and activities on one task queue."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from runtime.catalog import CATALOG, upgrade
from runtime.expressions.v8 import run_scripts
from runtime.expressions.v8 import start as start_scripts
from runtime.hosts.temporal import build_id as deployment
from runtime.hosts.temporal.activities import Activities, Links, Slots, Templates
from runtime.hosts.temporal.extern import ScriptInterceptor
from runtime.hosts.temporal.promotion import make_current
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.slot_supplier import tuner
from runtime.hosts.temporal.workflow import TemplateWorkflow
from runtime.interpreter.capabilities import HostCapabilities
from runtime.platform.credential_store import credential_store
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.telemetry.logging import get_logger
from runtime.platform.temporal import connect, data_converter
from service.concurrency import ConcurrencyQueue
from service.resume_keys import ResumeLinks
from service.run_templates import RunTemplates
from service.templates import TemplateStore

log = get_logger("tempor8.worker")

LIBRARIES: Final = ("pydantic", "pydantic_core", "orjson", "re2", "_re2", "py_mini_racer", "selectolax", "lxml")
"""Packages that the sandbox never loads again: their native code loads only once in a process."""
OURS: Final = ("runtime", "schemas")
"""Our packages, loaded once per process and not once per run. So the SDK's sandbox does not see what they read;
`tests/architecture/test_determinism.py` looks at their source instead, and `tests/replay/test_sandbox.py` replays with them
inside the sandbox.
"""
OUTSIDE: Final = ("runtime.expressions.v8", "runtime.expressions.limits")
"""The script evaluator, which workflow code is given from outside, and what it raises: one class on both sides."""

DEADLOCK_TIMEOUT_SECONDS: Final = 4
"""Seconds that one activation of a workflow may take before the SDK calls it a deadlock; below the time-out of the task.
The SDK's own 2 count the time that others have the processor: sixteen runs that compute at once are no deadlock.
"""


def workflow_runner(*, strict: bool = False) -> SandboxedWorkflowRunner:
    """Return what runs workflow code; the one place that says which modules its sandbox shares with the process.

    `strict` loads our modules inside the sandbox, again for each run, so that a clock, randomness or a file that one of them
    reads fails the workflow task. Tests use it: it costs a second per run.
    """
    # the SDK wraps ZoneInfo for three methods that nobody calls, and then datetime refuses it
    members = SandboxRestrictions.invalid_module_members_default.with_child_unrestricted("zoneinfo", "ZoneInfo")
    restrictions = dataclasses.replace(SandboxRestrictions.default, invalid_module_members=members)
    shared = (*LIBRARIES, *(OUTSIDE if strict else OURS))
    return SandboxedWorkflowRunner(restrictions=restrictions.with_passthrough_modules(*shared))


def build_worker(
    client: Client,
    capabilities: HostCapabilities,
    templates: Templates,
    task_queue: str,
    *,
    slots: Slots | None = None,
    links: Links | None = None,
    versioned: bool = False,
) -> Worker:
    """A worker that is not started yet. `versioned` makes it one of its build's, which takes no workflow tasks until the
    build is current.
    """
    CATALOG.load()
    start_scripts()
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[TemplateWorkflow],
        activities=Activities(CATALOG, capabilities, templates, slots, links).all(),
        interceptors=[ScriptInterceptor(run_scripts)],
        workflow_runner=workflow_runner(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        max_heartbeat_throttle_interval=timedelta(milliseconds=50),
        default_heartbeat_throttle_interval=timedelta(milliseconds=50),
        tuner=tuner(),
        max_cached_workflows=500,
        graceful_shutdown_timeout=timedelta(seconds=5),
        deployment_config=deployment.config() if versioned else None,
    )
    inner = worker._workflow_worker  # noqa: SLF001  # it has no argument for it
    assert inner is not None
    inner._deadlock_timeout_seconds = DEADLOCK_TIMEOUT_SECONDS  # noqa: SLF001
    return worker


@contextlib.asynccontextmanager
async def worker(settings: Settings, *, versioned: bool = False) -> AsyncIterator[Worker]:
    """A worker over the servers that the settings name, ready to `run`. `versioned`: see `build_worker`.

    Raises TemporalUnavailable or DatabaseUnavailable, which say what to start.
    """
    keys = keyring(settings)
    assert settings.database_url is not None
    async with Database(settings.database_url.get_secret_value(), size=settings.database_pool_size) as database:
        blobs = BlobStore.of(settings, database, keys)
        client = await connect(settings, data_converter(settings, keys, blobs))
        links = ResumeLinks.of_settings(settings, keys)
        store = credential_store(settings, database, keys)
        resources = WorkerResources.of(settings, database, store, blobs)
        try:
            yield build_worker(
                client,
                resources.capabilities(),
                RunTemplates(database, TemplateStore(database, upgrade)),
                settings.task_queue,
                slots=ConcurrencyQueue(database),
                links=links,
                versioned=versioned,
            )
        finally:
            await resources.close()


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set. The build becomes the current one, unless the settings leave that to an operator."""
    async with worker(settings, versioned=True) as built, built:
        log.info("worker polls", build=deployment.build_id(), task_queue=settings.task_queue)
        if settings.promote:
            await make_current(built.client, deployment.DEPLOYMENT, deployment.build_id())
        await stop.wait()
