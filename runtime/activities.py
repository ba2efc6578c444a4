"""What Temporal runs outside workflow code: steps, and the few look-ups that a run needs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any, Final, Protocol

from temporalio import activity

from runtime.perform import Services, perform
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


class Activities:
    """The activities of a worker, over the services that it has."""

    def __init__(self, catalog: Catalog, services: Services, templates: Templates) -> None:
        self.catalog, self.services, self.templates = catalog, services, templates

    @activity.defn(name=names.RUN_STEP)
    async def run_step(self, task: Task) -> TaskResult:
        """One try of a step. A node's error is part of the result, so Temporal retries nothing but crashes."""
        async with _pulse():
            return await perform(task, self.catalog, self.services)

    @activity.defn(name=names.FIND_PLAN)
    async def find_plan(self, reference: dict[str, Any]) -> dict[str, Any]:
        """The plan of another workflow of the tenant."""
        found = await self.templates.find(reference["tenant"], reference)
        return found | self.services.resume_links(reference["run"]) if "run" in reference else found

    @activity.defn(name=names.SAVE_STATIC_DATA)
    async def save_static_data(self, change: dict[str, Any]) -> None:
        """Write static data at the end of a run, as n8n does."""
        await self.templates.save_static_data(change["tenant"], change["template"], change["static_data"])

    def all(self) -> list[Callable[..., Any]]:
        """For the worker."""
        return [self.run_step, self.find_plan, self.save_static_data]


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
