"""What Temporal runs outside workflow code: steps, and the few look-ups that a run needs."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode

from runtime.contract import NodeError, ServiceBusy
from runtime.expressions.v8 import evaluator_of
from runtime.hosts.exception_log import log_exception
from runtime.hosts.temporal.deaths import TaskGuard
from runtime.hosts.temporal.faults import is_fault
from runtime.hosts.temporal.hand_out import raw
from runtime.hosts.temporal.heartbeats import MAX_DEATHS, beating
from runtime.hosts.temporal.service_pauses import waits
from runtime.hosts.temporal.shares import StepShares, sent_back
from runtime.hosts.temporal.step_figures import StepFigures
from runtime.hosts.temporal.step_results import store_result
from runtime.hosts.temporal.suspect_window import WorkerDied
from runtime.hosts.temporal.under_way import UnderWay
from runtime.hosts.threads import TenantThreads
from runtime.interpreter.border import check_result
from runtime.interpreter.capabilities import HostCapabilities
from runtime.interpreter.task_parts import join_task
from runtime.interpreter.task_runner import run_task
from runtime.platform.telemetry.logging import bind_context, get_logger, task_context
from runtime.sandbox.tenant_slots import SlotsTaken
from schemas import names
from schemas.node import Catalog
from schemas.run import PAYLOAD_LIMIT
from schemas.task import Task

log = get_logger("tempor8.step")
T = TypeVar("T")

SPARE_SECONDS: Final = 5.0
"""Before Temporal gives up a step that takes too long, and would begin it again, the step ends by an error."""


class Templates(Protocol):
    """Published plans and their static data, per tenant."""

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """{'plan_hash' or 'plan', 'template', 'static_data'} of {'id'|'name'|'export'}, or {'error': message}."""

    async def save_static_data(
        self, tenant: str, template: str, data: dict[str, Any], poll: Mapping[str, Any] | None = None
    ) -> bool:
        """Keep a template's static data. Return False where `poll` is not the one whose mark counts."""


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
        payload_limit: of runs that the API did not start.
        shares: of the tenants in the worker's slots; None: no step waits.
        guard: knows which steps have ended workers; None: nothing is known of earlier attempts.
        threads: for what steps compute.
    """

    def __init__(
        self,
        catalog: Catalog,
        capabilities: HostCapabilities,
        templates: Templates,
        slots: Slots | None = None,
        links: Links | None = None,
        payload_limit: int = PAYLOAD_LIMIT,
        shares: StepShares | None = None,
        guard: TaskGuard | None = None,
        threads: TenantThreads | None = None,
        figures: StepFigures | None = None,
    ) -> None:
        self._figures = figures or StepFigures()
        self._threads = threads or TenantThreads()
        self._under_way = UnderWay[tuple[bool, RawValue]]()
        self._payload_limit, self._shares = payload_limit, shares
        self._guard = guard or TaskGuard(None, MAX_DEATHS)
        self.catalog, self.capabilities, self.templates, self.slots, self.links = (
            catalog, capabilities, templates, slots, links,
        )  # fmt: skip

    @activity.defn(name=names.RUN_STEP)
    async def run_step(self, document: dict[str, Any], *parts: Any) -> RawValue:
        """One try of a step: a TaskResult. A node's error is part of it, so Temporal retries nothing but crashes and what
        `is_fault` says. A step in which workers die again and again, or that takes too long, fails. One whose tenant holds its
        share of the worker goes back to Temporal.

        The arguments are the payloads of `runtime.interpreter.task_parts`.
        """
        task = join_task(document, parts)
        with task_context(task), self._figures.measure(task) as measured:
            try:
                async with (
                    self._guard.step(task),
                    beating(self._guard.limit),
                    asyncio.timeout(_seconds()),
                    self._share(task["meta"]["tenant"]),
                ):
                    failed, data = await self._under_way.join(lambda: self._work(task))
                    measured.outcome = "error" if failed else "success"
                    return data
            except SlotsTaken as taken:
                raise sent_back(taken) from taken
            except ServiceBusy as busy:
                raise waits(busy) from busy
            except WorkerDied as died:
                error = _died(died.deaths)
            except TimeoutError:
                if (seconds := _seconds()) is None:
                    raise
                error = NodeError(f"The step took longer than {seconds:,.0f} seconds")
            return raw(check_result(task, {"error": error.to_json()})[1])

    async def _work(self, task: Task) -> tuple[bool, RawValue]:
        """Do a step; return whether it failed, and its TaskResult."""
        evaluator = evaluator_of(task["meta"]["tenant"])
        host = _StepHost(task["meta"]["tenant"], self._threads)
        result = await run_task(task, self.catalog, self.capabilities, evaluator, host)
        if activity.info().is_local and "arguments" in task:
            result["arguments"] = task["arguments"]
        return "error" in result, await store_result(raw(check_result(task, result)[1]))

    def _share(self, tenant: str) -> contextlib.AbstractAsyncContextManager[None]:
        return contextlib.nullcontext() if self._shares is None else self._shares.hold(tenant)

    @activity.defn(name=names.FIND_PLAN)
    async def find_plan(self, reference: dict[str, Any]) -> dict[str, Any]:
        """Find another workflow of the tenant, and the hash of its plan."""
        _of_run(reference["tenant"])
        try:
            found = await self.templates.find(reference["tenant"], reference)
        except Exception as error:
            if is_fault(error):
                raise
            log_exception(log, error, "")
            return {"error": "The workflow cannot be read. The log of the worker has the details."}
        if "run" not in reference:
            found["archived"] = True  # recorded: runs of before go on as they began
            return found
        links = self.links.of(reference["run"]) if self.links is not None else {}
        found.update(links, payload_limit=self._payload_limit, archived=True)  # in place: a `PlanReference` stays one
        return found

    @activity.defn(name=names.SAVE_STATIC_DATA)
    async def save_static_data(self, change: dict[str, Any]) -> bool:
        """Write static data at the end of a run, as n8n does, or of a poll. Return False for a poll that is not to go on."""
        _of_run(change["tenant"])
        try:
            return await self.templates.save_static_data(
                change["tenant"], change["template"], change["static_data"], change.get("poll")
            )
        except Exception as error:  # as in n8n: the run is what it is, and the log has the error
            if is_fault(error):
                raise
            log_exception(log, error, "")
            return True

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


def _seconds() -> float | None:
    """Return how long an attempt may take; None: a local one, which core ends."""
    if activity.info().is_local:
        return None
    limit = activity.info().start_to_close_timeout
    assert limit is not None  # see `runtime.hosts.temporal.timeouts`
    return limit.total_seconds() - SPARE_SECONDS


def _died(deaths: int) -> NodeError:
    return NodeError(
        f"The worker died {deaths} times in this step",
        description="It was killed, ran out of memory, or stood still. Give the step less data at once, or the worker more memory; "
        "then retry the run from this node.",
    )


class _StepHost:
    """Implements `StepHost`: a server that is away fails the attempt, which Temporal repeats."""

    def __init__(self, tenant: str, threads: TenantThreads) -> None:
        self._tenant, self._threads = tenant, threads

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await self._threads.call(self._tenant, function, *args)

    def monotonic(self) -> float:
        return time.monotonic()

    def passes(self, error: Exception) -> bool:
        return is_fault(error)

    def log_exception(self, error: Exception, node: str) -> None:
        log_exception(log, error, node)


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
