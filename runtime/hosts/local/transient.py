"""Transient templates: their runs live in this process, as n8n's do, with the same plan, engine and nodes.

Nothing of them survives the process. What happened is written into the tables of runs all the same; a run that was cut off
by a shutdown is told as cancelled, and one that died with its process as terminated, a few minutes later.
"""

import asyncio
import contextlib
import copy
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from runtime.contract import NodeError, StartChild
from runtime.hosts.local.host import LocalHost
from runtime.interpreter.capabilities import HostCapabilities
from runtime.interpreter.execution import Execution
from runtime.interpreter.failures import run_fault
from runtime.interpreter.journal import journal, result, within_limits
from runtime.interpreter.run_info import RunInfo
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.telemetry.logging import get_logger
from schemas.kinds import RunStatus
from schemas.node import Catalog
from schemas.outcome import Finished
from schemas.plan import Settings
from schemas.run import PAYLOAD_LIMIT, Journal, RunReply, RunResult, StartInput
from service.execution_store import ExecutionRow, ExecutionStore, StepRow
from service.projection.row_builder import step_row
from service.row_observers import RowObservers
from service.run_templates import RunTemplates, missing_workflow

__all__ = ["TransientRuns"]

log = get_logger("tempor8.transient")

PACE: Final = 0.25
"""Seconds between two writings of rows."""
SEEN: Final = 60.0
"""Seconds after which a run that goes on is written again, so that nobody takes it for forgotten."""
STATUS: Final = {"success": RunStatus.COMPLETED, "canceled": RunStatus.CANCELED}


class _Host(LocalHost):
    """A run in this process that can tell its caller at once, and call other templates of the tenant."""

    def __init__(
        self, catalog: Catalog, capabilities: HostCapabilities, templates: RunTemplates, answered: Callable[[], None]
    ) -> None:
        super().__init__(catalog, capabilities)
        self._templates, self._answered = templates, answered

    def respond(self, response: Mapping[str, Any]) -> None:
        """Keep the first response, and wake who waits for it."""
        super().respond(response)
        self._answered()

    async def child(self, step: str, command: StartChild) -> dict[str, Any]:
        """Another template of the tenant, in this process too."""
        plan = await self._templates.find_plan(self.info.tenant, dict(command.workflow))
        if plan is None:
            raise NodeError(missing_workflow(command.workflow))
        self.library = lambda _: plan
        return await super().child(step, command)


class _Run:
    """One run."""

    def __init__(self, given: StartInput, plan_hash: str) -> None:
        self.given, self.plan_hash = given, plan_hash
        self.run_id, self.started = secrets.token_hex(16), datetime.now(UTC)
        self.answered = asyncio.Event()
        self.host: _Host | None = None
        self.execution: Execution | None = None
        self.result: RunResult | None = None

    def _saves(self, status: str) -> bool:
        return (self.given.plan.settings if self.given.plan else Settings()).saves(status)

    def row(self, status: str, closed: datetime | None = None) -> ExecutionRow:
        """As the tables show it."""
        told = self.result.journal if self.result else journal(self.execution) if self.execution else None
        types = {step.name: step.type for step in self.given.plan.steps} if self.given.plan else {}
        steps: list[StepRow] = (
            [step_row(place, each, types) for place, each in told.since(0)]
            if told and closed and self._saves(status)
            else []
        )
        return ExecutionRow(
            tenant=self.given.tenant, id=self.given.execution_id, run_id=self.run_id, template=self.given.template,
            plan_hash=self.plan_hash, trigger_kind=self.given.trigger_kind, status=status, started_at=self.started,
            closed_at=closed, user_id=self.given.user_id, parent_id=None, error=told.error if told else None,
            step_count=told.count if told and closed else 0, steps=steps if closed else None, usage=[],
        )  # fmt: skip


class TransientRuns:
    """Runs transient templates until `stop`. `run` writes what happens into the tables."""

    def __init__(
        self, catalog: Catalog, capabilities: HostCapabilities, templates: RunTemplates, store: ExecutionStore,
        observers: RowObservers | None = None,
    ) -> None:  # fmt: skip
        self._observers = observers or RowObservers()
        self._catalog, self._capabilities, self._templates, self._store = catalog, capabilities, templates, store
        self._running: dict[str, tuple[_Run, asyncio.Task[None]]] = {}
        self._rows: dict[str, ExecutionRow] = {}

    async def start(self, given: StartInput, plan_hash: str) -> str:
        """Begin a run and return its run id."""
        run = self._begin(given, plan_hash)
        self._rows[given.execution_id] = run.row(RunStatus.RUNNING)
        return run.run_id

    async def start_and_answer(self, given: StartInput, plan_hash: str, mode: str) -> RunReply:
        """Begin a run and give what it wants its caller to get."""
        run = self._begin(given, plan_hash)
        if mode != "responseNode":
            await asyncio.wait({self._running[given.execution_id][1]})
        else:
            await run.answered.wait()
        response = run.host.response if run.host else None
        return RunReply(response=response, finished=None if response else run.result)

    def cancel(self, workflow_id: str) -> bool:
        """Stop a run; False: there is none."""
        found = self._running.get(workflow_id)
        if found is None:
            return False
        found[1].cancel()
        return True

    def _begin(self, given: StartInput, plan_hash: str) -> _Run:
        run = _Run(given, plan_hash)
        task = asyncio.create_task(self._carry(run), name=f"transient {given.execution_id}")
        self._running[given.execution_id] = run, task
        return run

    async def _carry(self, run: _Run) -> None:
        given = run.given
        assert given.plan is not None
        status = RunStatus.FAILED
        try:
            run.host = _Host(self._catalog, self._capabilities, self._templates, run.answered.set)
            info = RunInfo(
                tenant=given.tenant, execution_id=given.execution_id, mode=given.mode, variables=given.variables,
                static_data=given.static_data, payload_limit=given.payload_limit or PAYLOAD_LIMIT,
            )  # fmt: skip
            run.host.info = info
            run.execution = Execution(given.plan, self._catalog, run.host, info)
            before = copy.deepcopy(given.static_data)
            finished = await self._finish(run.execution, given)
            run.result = result(run.execution, finished, before)
            status = STATUS.get(finished.status, RunStatus.FAILED)
            if run.result.static_data is not None:
                await self._templates.save_static_data(given.tenant, given.template, run.result.static_data)
        except asyncio.CancelledError:
            status = RunStatus.CANCELED
        except Exception as error:
            log.exception("a transient run broke", workflow_id=given.execution_id, error=type(error).__name__)
            told = journal(run.execution) if run.execution else Journal(status="error")
            run.result = RunResult(journal=told.model_copy(update={"status": "error", "error": run_fault(error)}))
        finally:
            self._rows[given.execution_id] = run.row(status, datetime.now(UTC))
            self._running.pop(given.execution_id, None)
            run.answered.set()

    async def _finish(self, execution: Execution, given: StartInput) -> Finished:
        items: Any = given.items  # JSON items
        ended = execution.begin(items, step=given.start, prefer=given.trigger_kind)
        return ended or within_limits(execution, await execution.run())

    async def run(self) -> None:
        """Write rows until cancelled; then cancel what still runs, and say so."""
        clock = asyncio.get_running_loop().time
        again = clock() + SEEN
        try:
            while True:
                await asyncio.sleep(PACE)
                if clock() > again:
                    again = clock() + SEEN
                    self._rows |= {
                        id_: run.row(RunStatus.RUNNING)
                        for id_, (run, _) in self._running.items()
                        if id_ not in self._rows
                    }
                await self._write()
        finally:
            tasks = [task for _, task in self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._write()

    async def _write(self) -> None:
        rows, self._rows = self._rows, {}
        by_tenant: dict[str, list[ExecutionRow]] = {}
        for row in rows.values():
            by_tenant.setdefault(row.tenant, []).append(row)
        for tenant, written in by_tenant.items():
            try:
                await self._store.write(tenant, written)
                self._observers.show(written)
            except DatabaseUnavailable:
                with contextlib.suppress(KeyError):
                    self._rows = {row.id: row for row in written} | self._rows  # the next writing has them
