"""What Temporal runs outside workflow code: steps, and the few look-ups that a run needs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final, Protocol

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from runtime.expressions.v8 import run_scripts
from runtime.interpreter.capabilities import HostCapabilities
from runtime.interpreter.task_runner import run_task
from runtime.platform.telemetry.logging import bind_context, task_context
from schemas import names
from schemas.node import Catalog
from schemas.task import Task, TaskResult

PULSE: Final = 1.0
"""Seconds between heartbeats while a step works."""


class Templates(Protocol):
    """Published plans and their static data, per tenant."""

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """{'plan', 'template', 'static_data'} of {'id'|'name'|'export'}, or {'error': message}."""

    async def save_static_data(self, tenant: str, template: str, data: dict[str, Any]) -> None:
        """Keep a template's static data."""


class Slots(Protocol):
    """The queue of runs that a workflow limits; see `service.concurrency`."""

    async def take(
        self, tenant: str, key: str, workflow_id: str, limit: int, has_ended: Callable[[str], Awaitable[bool]]
    ) -> bool:
        """Join the queue and return whether the run holds a slot now."""

    async def give_back(self, tenant: str, key: str, workflow_id: str, limit: int) -> Sequence[str]:
        """Leave the queue and return the workflow ids of the runs whose turn it is now."""


class Links(Protocol):
    """The links that resume waiting runs; see `service.resume_keys`."""

    def of(self, workflow_id: str) -> dict[str, str]:
        """`resume_url` and `resume_secret` of a run that was not started by the API."""


class Activities:
    """The activities of a worker.

    Args:
        catalog: of node types.
        capabilities: of the tasks.
        templates: where other workflows are found.
        slots: None: no run has to wait for its turn.
        links: None: a run that the API did not start has no links that resume it.
    """

    def __init__(
        self,
        catalog: Catalog,
        capabilities: HostCapabilities,
        templates: Templates,
        slots: Slots | None = None,
        links: Links | None = None,
    ) -> None:
        self.catalog, self.capabilities, self.templates, self.slots, self.links = (
            catalog, capabilities, templates, slots, links,
        )  # fmt: skip

    @activity.defn(name=names.RUN_STEP)
    async def run_step(self, task: Task) -> TaskResult:
        """One try of a step. A node's error is part of the result, so Temporal retries nothing but crashes."""
        with task_context(task):
            async with _pulse():
                return await run_task(task, self.catalog, self.capabilities, run_scripts)

    @activity.defn(name=names.FIND_PLAN)
    async def find_plan(self, reference: dict[str, Any]) -> dict[str, Any]:
        """The plan of another workflow of the tenant."""
        _of_run(reference["tenant"])
        found = await self.templates.find(reference["tenant"], reference)
        links = self.links.of(reference["run"]) if self.links is not None and "run" in reference else {}
        return found | links

    @activity.defn(name=names.SAVE_STATIC_DATA)
    async def save_static_data(self, change: dict[str, Any]) -> None:
        """Write static data at the end of a run, as n8n does."""
        _of_run(change["tenant"])
        await self.templates.save_static_data(change["tenant"], change["template"], change["static_data"])

    @activity.defn(name=names.TAKE_SLOT)
    async def take_slot(self, asked: dict[str, Any]) -> bool:
        """Whether it is the run's turn."""
        if self.slots is None:
            return True
        _of_run(asked["tenant"])
        return await self.slots.take(asked["tenant"], asked["key"], asked["workflow_id"], asked["limit"], _has_ended)

    @activity.defn(name=names.GIVE_SLOT_BACK)
    async def give_slot_back(self, asked: dict[str, Any]) -> None:
        """Let the next ones in. One that is not reached asks again by itself."""
        if self.slots is None:
            return
        _of_run(asked["tenant"])
        for each in await self.slots.give_back(asked["tenant"], asked["key"], asked["workflow_id"], asked["limit"]):
            with contextlib.suppress(RPCError):
                await activity.client().get_workflow_handle(each).signal(names.SIGNAL_TURN)

    def all(self) -> list[Callable[..., Any]]:
        """For the worker."""
        return [self.run_step, self.find_plan, self.save_static_data, self.take_slot, self.give_slot_back]


def _of_run(tenant: str) -> None:
    """Bind tenant and run to the lines of this activity, which is an asyncio task of its own."""
    bind_context(tenant=tenant, workflow_id=activity.info().workflow_id or "")


async def _has_ended(workflow_id: str) -> bool:
    try:
        described = await activity.client().get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return True
        raise
    return described.status is not WorkflowExecutionStatus.RUNNING


@contextlib.asynccontextmanager
async def _pulse() -> AsyncIterator[None]:
    """Heartbeat while the body runs, so that a worker's death is noticed in seconds and cancellation arrives.

    Each beat repeats the last details that the step gave (`heartbeat`), so that a retry still finds them.
    """
    if activity.info().is_local:
        yield
        return
    details = list(activity.info().heartbeat_details)
    token = _DETAILS.set(details)

    async def beat() -> None:
        while True:
            await asyncio.sleep(PULSE)
            activity.heartbeat(*details)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        _DETAILS.reset(token)


_DETAILS: ContextVar[list[Any] | None] = ContextVar("heartbeat_details", default=None)


def heartbeat(*details: Any) -> None:
    """Tell Temporal how far the step has come; nothing in a local activity, which is short."""
    kept = _DETAILS.get()
    if kept is not None:
        kept[:] = details
        activity.heartbeat(*details)


def progress() -> list[Any]:
    """How far an attempt had come that was cut off."""
    return list(_DETAILS.get() or ())
