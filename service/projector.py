"""The projector: follows Temporal's visibility and writes what it sees into the tables of runs.

It is no part of the runs and adds no event to them. One projector is active at a time, by a Postgres advisory lock;
another takes over when its connection closes. Everything that it writes is an upsert, so reading the same interval twice
does no harm: each query goes back a little, since visibility lists a run some time after it happened.
"""

import asyncio
import contextlib
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.errors import ForeignKeyViolation
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest, ListWorkflowExecutionsRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.telemetry.logging import get_logger
from schemas.kinds import RunStatus, TriggerKind
from schemas.run import Journal, StepRecord
from service.execution_store import ExecutionRow, ExecutionStore, StepRow, UsageRow
from service.run_reader import Outcome, RunDescription, TemporalRuns, moment, run_of
from service.templates import TemplateStore

__all__ = ["Projector", "step_row"]

log = get_logger("tempor8.projector")

LOCK_NUMBER: Final = 72_028_203
"""Of the advisory lock: the same in every process. Migrations use the number before it."""
POLL_SECONDS: Final = 0.4
"""Seconds between two queries: what happened is in the tables within a second."""
LOOK_BACK: Final = timedelta(seconds=2)
"""How far each query goes back. Visibility of the dev server lags by milliseconds, of a cluster by a second or so."""
MIN_AGE: Final = timedelta(milliseconds=400)
"""A younger run is left to the next query: most have ended by then, and are written once."""
SWEEP_SECONDS: Final = 60.0
"""Seconds between two sweeps, which go back further: they find what visibility listed late and what Temporal has deleted."""
SWEEP_LOOK_BACK: Final = timedelta(minutes=10)
"""How far a sweep goes back."""
UNSEEN_FOR: Final = timedelta(minutes=5)
"""A run that counts as open and was not seen for this long is described by itself."""
MAX_CONCURRENT_FETCHES: Final = 16
"""Results of runs that are fetched at the same time."""
BATCH_ROWS: Final = 200
"""Runs per page of a query, which are written together."""
MAX_REMEMBERED_RUNS: Final = 100_000
"""Runs whose status is remembered, so that listing them again costs nothing."""


class Projector:
    """Writes runs into Postgres. `run` works until it is cancelled, through outages of both servers.

    Args:
        client: of Temporal.
        database: where the tables are.
        lock_url: address of the same database: the lock is held by a session of its own.
        pace: seconds between two queries.
        lock: the number of the advisory lock.
    """

    def __init__(
        self, client: Client, database: Database, lock_url: str, *, pace: float = POLL_SECONDS, lock: int = LOCK_NUMBER
    ) -> None:
        self._client, self._lock_url, self._pace, self._lock_number = client, lock_url, pace, lock
        self._database = database
        self._reader = TemporalRuns(client)
        self._store = ExecutionStore(database)
        self._templates = TemplateStore(database)
        self._seen: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._types: OrderedDict[tuple[str, str], dict[str, str]] = OrderedDict()
        self._tenants: set[str] = set()
        self._unknown_tenants: set[str] = set()
        self.active = False
        """Whether this process holds the lock."""

    async def run(self) -> None:
        """Wait for the lock, then query, write and pause, until cancelled."""
        while True:
            try:
                async with self._lock() as connection:
                    if connection:
                        await self._follow()
            except (DatabaseUnavailable, psycopg.OperationalError, RPCError, RuntimeError) as error:
                # a server is down: the health check reports it, here it is a reason to wait
                log.warning("projector waits", error=type(error).__name__)
            self.active = False
            await asyncio.sleep(1.0)

    @contextlib.asynccontextmanager
    async def _lock(self) -> AsyncIterator[psycopg.AsyncConnection[Any] | None]:
        """Yield the connection that holds the lock, or None while another process has it."""
        async with await psycopg.AsyncConnection.connect(
            self._lock_url, autocommit=True, connect_timeout=5, application_name="tempor8 projector"
        ) as connection:
            row = await (await connection.execute("select pg_try_advisory_lock(%s)", (self._lock_number,))).fetchone()
            locked = bool(row and row[0])
            yield connection if locked else None

    async def _follow(self) -> None:
        self.active = True
        until = await self._load_position()
        clock = asyncio.get_running_loop().time
        next_sweep = clock() + SWEEP_SECONDS
        while True:
            sweep = clock() >= next_sweep
            until = await self.look(until - (SWEEP_LOOK_BACK if sweep else LOOK_BACK))
            if sweep:
                next_sweep = clock() + SWEEP_SECONDS
                await self._save_position(until)
                await self._check_unseen()
            await asyncio.sleep(self._pace)

    async def look(self, since: datetime) -> datetime:
        """Write every run that started or ended after `since`; return the moment up to which all runs are written."""
        now = datetime.now(UTC)
        closed = f"CloseTime >= '{_stamp(since)}'"
        opened = (
            f"ExecutionStatus = 'Running' AND StartTime >= '{_stamp(since)}' AND StartTime < '{_stamp(now - MIN_AGE)}'"
        )
        for query in (closed, opened):
            async for page in self._pages(query):
                batch = [await run_of(each, self._client.data_converter) for each in page]
                await self._project([run for run in batch if run.tenant not in self._unknown_tenants])
        return now

    async def _pages(self, query: str) -> AsyncIterator[list[WorkflowExecutionInfo]]:
        """Yield the runs of a query that were not written yet, page by page.

        They are compared as they come over the wire: each run is listed several times, and decoding it each time would cost
        more than writing it.
        """
        request = ListWorkflowExecutionsRequest(namespace=self._client.namespace, query=query, page_size=BATCH_ROWS)
        while True:
            answer = await self._client.workflow_service.list_workflow_executions(request, retry=True)
            unseen = [each for each in answer.executions if self._seen.get(_key_of(each)) != each.status]
            if unseen:
                yield unseen
            for each in unseen:
                self._seen[_key_of(each)] = each.status
            if not answer.next_page_token:
                break
            request.next_page_token = answer.next_page_token
        while len(self._seen) > MAX_REMEMBERED_RUNS:
            self._seen.popitem(last=False)

    async def _project(self, batch: Sequence[RunDescription]) -> None:
        """Fetch the results of closed runs, then write the rows of each tenant."""
        fetches = asyncio.Semaphore(MAX_CONCURRENT_FETCHES)

        async def row(run: RunDescription) -> ExecutionRow | None:
            async with fetches:
                try:
                    return await self._row(run)
                except (KeyError, TypeError, ValueError) as error:  # one run's odd data must not stop all others'
                    log.exception("a run could not be projected", workflow_id=run.id, error=type(error).__name__)
                    return None

        rows = await asyncio.gather(*(row(run) for run in batch))
        by_tenant: defaultdict[str, list[ExecutionRow]] = defaultdict(list)
        for each in rows:
            if each is not None:
                by_tenant[each.tenant].append(each)
        for tenant, executions in by_tenant.items():
            await self._write(tenant, executions)
            for each in executions:
                if not each.history_kept:
                    await self._delete(each)

    async def _write(self, tenant: str, executions: Sequence[ExecutionRow]) -> None:
        try:
            await self._store.write(tenant, executions)
            if tenant not in self._tenants:
                async with self._database.transaction() as connection:
                    await connection.execute(
                        "insert into projector_tenants (tenant_id) values (%s) on conflict do nothing", (tenant,)
                    )
                self._tenants.add(tenant)
        except ForeignKeyViolation:
            log.warning("runs of an unknown tenant are not projected", tenant=tenant)
            self._unknown_tenants.add(tenant)

    async def _row(self, run: RunDescription) -> ExecutionRow | None:
        """Return the row of a run; None for one that is of no template, or that was continued as new."""
        if not run.tenant or ":" not in run.id:
            return None
        if run.open:
            return None if run.closed_at is not None else _execution(run, run.status)
        try:
            outcome = await self._reader.outcome(run)
        except (ValueError, KeyError) as error:  # not a result of a plan: the run itself still gets a row
            log.warning("a result could not be read", workflow_id=run.id, error=type(error).__name__)
            outcome = Outcome(run.status, None, None)
        journal = outcome.result.journal if outcome.result else Journal(status="error")
        if run.trigger_kind == TriggerKind.POLL and outcome.status == RunStatus.COMPLETED and _found_nothing(journal):
            return _execution(run, outcome.status, history_kept=False, empty=True)
        if not (await self._templates.settings(run.tenant, run.plan_hash)).saves(outcome.status):
            why = {"message": "The run failed; its workflow keeps no data of such runs"} if outcome.error else None
            usage = [_usage(each, run) for each in journal.usage]
            return _execution(
                run, outcome.status, error=why, step_count=journal.count, steps=[], usage=usage, history_kept=False
            )
        types = await self._node_types(run)
        steps = [step_row(place, record, types) for place, record in journal.since(0)]
        return _execution(
            run,
            outcome.status,
            error=outcome.error,
            step_count=journal.count,
            steps=steps,
            usage=[_usage(each, run) for each in journal.usage],
        )

    async def _delete(self, run: ExecutionRow) -> None:
        """Delete a run's history from Temporal. Its stored payloads are collected when no run uses them any more."""
        execution = WorkflowExecution(workflow_id=run.id, run_id=run.run_id)
        request = DeleteWorkflowExecutionRequest(namespace=self._client.namespace, workflow_execution=execution)
        try:
            await self._client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _node_types(self, run: RunDescription) -> dict[str, str]:
        key = (run.tenant, run.plan_hash)
        if key not in self._types:
            self._types[key] = await self._templates.node_types(*key)
            if len(self._types) > 1000:  # plans in use at once
                self._types.popitem(last=False)
        return self._types[key]

    async def _check_unseen(self) -> None:
        async with self._database.transaction() as connection:
            rows = await (await connection.execute("select tenant_id from projector_tenants")).fetchall()
        for tenant in (row["tenant_id"] for row in rows):
            stale = await self._store.open_before(tenant, UNSEEN_FOR)
            closed, alive = [], []
            for each in stale:
                run = await self._reader.describe(each.id)
                if run is None:
                    closed.append(_forgotten_row(each))
                elif run.open:
                    alive.append(each.id)
                else:
                    row = await self._row(run)
                    closed.extend([row] if row else [])
            if closed:
                await self._store.write(tenant, closed)
            if alive:
                await self._store.touch(tenant, alive)

    async def _load_position(self) -> datetime:
        async with self._database.transaction() as connection:
            row = await (await connection.execute("select seen_until from projector_state")).fetchone()
        # where nothing was read yet, all that Temporal still has is new
        return row["seen_until"] - SWEEP_LOOK_BACK if row else datetime(2000, 1, 1, tzinfo=UTC) + SWEEP_LOOK_BACK

    async def _save_position(self, until: datetime) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "insert into projector_state (seen_until) values (%s)"
                " on conflict (only_row) do update set seen_until = excluded.seen_until",
                (until,),
            )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _key_of(info: WorkflowExecutionInfo) -> tuple[str, str]:
    return info.execution.workflow_id, info.execution.run_id


def _execution(run: RunDescription, status: str, **rest: Any) -> ExecutionRow:
    return ExecutionRow(
        tenant=run.tenant,
        id=run.id,
        run_id=run.run_id,
        template=run.template,
        plan_hash=run.plan_hash,
        trigger_kind=run.trigger_kind,
        status=status,
        started_at=run.started_at,
        closed_at=run.closed_at,
        user_id=run.user_id,
        parent_id=run.parent_id,
        **rest,
    )


def _found_nothing(journal: Journal) -> bool:
    return journal.count == 1 and not any(journal.steps[0].items_out)


def _forgotten_row(row: ExecutionRow) -> ExecutionRow:
    error = {"name": "Forgotten", "message": "Temporal has no record of this run any more"}
    return ExecutionRow(
        tenant=row.tenant, id=row.id, run_id=row.run_id, template=row.template, plan_hash=row.plan_hash,
        trigger_kind=row.trigger_kind, status=RunStatus.TERMINATED, started_at=row.started_at, closed_at=datetime.now(UTC),
        user_id=row.user_id, parent_id=row.parent_id, error=error,
    )  # fmt: skip


def step_row(place: int, record: StepRecord, types: dict[str, str]) -> StepRow:
    """Return a step of a journal as a row. `types`: node name -> node type."""
    return StepRow(
        node=record.node,
        type=types.get(record.node, ""),
        run=record.run,
        tries=record.tries,
        status=record.status,
        started_at=moment(record.started),
        finished_at=None if record.finished is None else moment(record.finished),
        items_in=list(record.items_in),
        items_out=list(record.items_out),
        error=record.error,
        place=place,
    )


def _usage(each: dict[str, Any], run: RunDescription) -> UsageRow:
    return UsageRow(
        agent=str(each.get("agent") or each.get("node") or "model"),
        node=str(each.get("node") or ""),
        model=each.get("model"),
        input_tokens=int(each.get("input_tokens") or 0),
        output_tokens=int(each.get("output_tokens") or 0),
        duration_ms=int(each.get("duration_ms") or each.get("ms") or 0),
        requests=int(each.get("requests") or 1),
        status=str(each.get("status") or "success"),
        occurred_at=run.closed_at or run.started_at,
        cost_usd=each.get("cost_usd"),
    )
