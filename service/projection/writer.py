"""Write runs: many in one transaction, and one by one where Postgres refuses, so that a bad row stops nobody else's."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import psycopg
from psycopg.errors import ForeignKeyViolation
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.storage.objects import PayloadStoreUnavailable
from runtime.platform.telemetry.logging import get_logger
from schemas.kinds import RunStatus
from service.execution_rows import ExecutionRow
from service.execution_store import ExecutionStore
from service.outages import is_outage
from service.projection.row_builder import RowBuilder, set_aside
from service.row_observers import RowObservers
from service.run_description import RunDescription, listed_run
from service.run_ends import RunEnds

__all__ = ["RunWriter"]

log = get_logger("tempor8.projector")

MAX_CONCURRENT_READS: Final = 16
"""Results of runs that are read at the same time."""
READ_TIMEOUT_SECONDS: Final = 30.0
"""For one run: its result may be many stored payloads."""
END_DELAY: Final = timedelta(milliseconds=250)
"""After the end of a run its worker has written it."""
UNKNOWN_TENANT_SECONDS: Final = 60.0
"""After which a tenant that had no row is tried again."""


class RunWriter:
    """Reads runs and writes their rows.

    Args:
        client: of Temporal.
        store: of the rows.
        builder: of the rows.
        owns: whether this process projects a tenant at this moment.
        ends: what workers say of ended runs; None: Temporal is read.
        observers: shown what is written.
    """

    def __init__(
        self, client: Client, store: ExecutionStore, builder: RowBuilder, owns: Callable[[str], bool],
        ends: RunEnds | None = None, observers: RowObservers | None = None,
    ) -> None:  # fmt: skip
        self._client, self._store, self._builder, self._owns, self._ends = client, store, builder, owns, ends
        self._observers = observers or RowObservers()
        self._reads = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self._unknown_tenants: dict[str, float] = {}
        self.unwritable = 0
        """Runs of which not even a bare row could be written, since the process began."""

    def projects(self, tenant: str) -> bool:
        """Return whether this process writes runs of this tenant now."""
        return self._owns(tenant) and time.monotonic() >= self._unknown_tenants.get(tenant, 0.0)

    async def write_listed(self, infos: Sequence[WorkflowExecutionInfo], *, may_leave: bool = False) -> set[str]:
        """Write runs of a list.

        Args:
            infos: the runs.
            may_leave: leave those for the next time that ended so recently that their worker may not have written their end.

        Returns:
            The run ids of those that were left.

        Raises:
            RPCError, DatabaseUnavailable, psycopg.Error: a server is away; some may be written.
        """
        listed = [await listed_run(each, self._client.data_converter) for each in infos]
        runs = [run for run in listed if self.projects(run.tenant)]
        succeeded = [run for run in runs if run.status == RunStatus.COMPLETED and self._ends]
        ends = await self._ends.read(succeeded) if self._ends and succeeded else {}
        left = {run.run_id for run in succeeded if may_leave and run.id not in ends and _just_ended(run)}
        await self.write([(run, 0) for run in runs if run.run_id not in left], ends)
        return left

    async def write(
        self, runs: Sequence[tuple[RunDescription, int]], ends: Mapping[str, bytes] = MappingProxyType({})
    ) -> None:
        """Write runs, each with the number of times that it was read before. Raise as `write_listed`.

        Args:
            runs: the runs.
            ends: what workers said of their ends, by workflow id.
        """
        rows = await asyncio.gather(*(self._row(run, attempts, ends.get(run.id)) for run, attempts in runs))
        await self.write_rows([row for row in rows if row is not None])

    async def write_rows(self, rows: Sequence[ExecutionRow]) -> None:
        """Write rows. Raise as `write_listed`."""
        rows = [row for row in rows if self.projects(row.tenant)]
        if not rows:
            return
        if not await self._attempt(rows):
            await self._one_by_one(rows)
        for row in rows:
            if not row.history_kept:
                await self._delete_history(row)

    async def _row(self, run: RunDescription, attempts: int, end: bytes | None) -> ExecutionRow | None:
        async with self._reads:
            try:
                async with asyncio.timeout(READ_TIMEOUT_SECONDS):
                    return await self._builder.row(run, attempts=attempts, end=end)
            except Exception as error:
                if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                    return None  # deleted from Temporal since it was listed
                # a bucket holds results of some runs only, and may be missing here for ever: the others' rows do not wait for it
                if is_outage(error) and not isinstance(error, PayloadStoreUnavailable):
                    raise
                log.exception("a run is set aside: it cannot be read", workflow_id=run.id, error=type(error).__name__)
                return set_aside(run, error, attempts)

    async def _one_by_one(self, rows: Sequence[ExecutionRow]) -> None:
        for tenant in sorted({row.tenant for row in rows}):
            of_tenant = [row for row in rows if row.tenant == tenant]
            if len(of_tenant) < len(rows) and await self._attempt(of_tenant):
                continue
            for row in of_tenant:
                if self.projects(tenant) and not await self._attempt([row]):
                    await self._set_aside(row)

    async def _attempt(self, rows: Sequence[ExecutionRow]) -> bool:
        """Write rows in one transaction; return False when one of them was refused, and nothing is written."""
        try:
            await self._store.write_batch(rows)
        except ForeignKeyViolation:
            if len(tenants := {row.tenant for row in rows}) == 1:
                log.warning("runs of an unknown tenant are not projected", tenant=rows[0].tenant)
                self._unknown_tenants |= dict.fromkeys(tenants, time.monotonic() + UNKNOWN_TENANT_SECONDS)
            return False
        except (psycopg.Error, ValueError, TypeError, OverflowError) as error:
            if is_outage(error):
                raise
            log.warning("rows are refused", error=type(error).__name__, rows=len(rows))
            return False
        self._observers.show(rows)
        return True

    async def _set_aside(self, row: ExecutionRow) -> None:
        """Write what lists show of a run whose row was refused."""
        log.error("a run is set aside: its row is refused", workflow_id=row.id)
        run = RunDescription(
            row.id, row.run_id, row.tenant, row.template, row.plan_hash, row.trigger_kind, RunStatus(row.status), row.started_at,
            row.closed_at, row.parent_id, row.user_id,
        )  # fmt: skip
        attempts = row.retry.attempts if row.retry else 0
        if not await self._attempt([set_aside(run, ValueError("refused by Postgres"), attempts)]):
            self.unwritable += 1

    async def _delete_history(self, run: ExecutionRow) -> None:
        """Delete a run's history from Temporal. Its stored payloads are collected when no run uses them any more."""
        execution = WorkflowExecution(workflow_id=run.id, run_id=run.run_id)
        request = DeleteWorkflowExecutionRequest(namespace=self._client.namespace, workflow_execution=execution)
        try:
            await self._client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if is_outage(error):
                raise
            if error.status is not RPCStatusCode.NOT_FOUND:
                log.warning("a history is not deleted", workflow_id=run.id, error=error.status.name)


def _just_ended(run: RunDescription) -> bool:
    return run.closed_at is not None and timedelta(0) <= datetime.now(UTC) - run.closed_at < END_DELAY
