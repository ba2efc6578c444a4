"""Reading runs from Temporal, which is the truth about them: how they stand, what they did, what they left."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError, FailureError, TerminatedError
from temporalio.exceptions import TimeoutError as TemporalTimeout
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.storage.payloads import loads
from schemas import names
from schemas.kinds import RunStatus
from schemas.run import Journal, RunResult

__all__ = ["MEMO", "Outcome", "Run", "RunReader", "moment"]

MEMO: Final = "tempor8"
"""The memo field with what lists want to know and a history does not say: `user_id`, `request` (a digest)."""
QUERY_PATIENCE: Final = timedelta(seconds=3)
"""How long a query may take: without a worker there is no answer at all."""

STATUS: Final = {
    WorkflowExecutionStatus.RUNNING: RunStatus.RUNNING,
    WorkflowExecutionStatus.COMPLETED: RunStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED: RunStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: RunStatus.CANCELED,
    WorkflowExecutionStatus.TERMINATED: RunStatus.TERMINATED,
    WorkflowExecutionStatus.CONTINUED_AS_NEW: RunStatus.RUNNING,
    WorkflowExecutionStatus.TIMED_OUT: RunStatus.TIMED_OUT,
}


@dataclass(frozen=True)
class Run:
    """One run as Temporal describes it."""

    id: str
    run_id: str
    tenant: str
    template: str
    plan_hash: str
    trigger_kind: str
    status: RunStatus
    started_at: datetime
    closed_at: datetime | None
    parent_id: str | None
    user_id: str | None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status == RunStatus.RUNNING


@dataclass(frozen=True)
class Outcome:
    """How a closed run ended. `result` is None for one that was closed from outside (terminated, timed out)."""

    status: RunStatus
    result: RunResult | None
    error: dict[str, Any] | None


class RunReader:
    """Descriptions, journals and results of runs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def describe(self, workflow_id: str) -> Run | None:
        """The latest run of a chain; None when Temporal has no record of it (any more).

        Raises:
            RPCError: Temporal does not answer.
        """
        try:
            found = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return await run_of(found.raw_info, self._client.data_converter)

    async def journal(self, workflow_id: str, run_id: str | None = None) -> Journal | None:
        """What the run tells of itself now; None when no worker answers in time or the run cannot tell."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            told: Journal = await handle.query(names.QUERY_JOURNAL, result_type=Journal, rpc_timeout=QUERY_PATIENCE)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, TimeoutError):
            return None
        except RPCError as error:
            if error.status is RPCStatusCode.UNAVAILABLE:
                raise
            return None
        return told

    async def state(self, run: Run) -> dict[str, Any] | None:
        """The whole state of a run, also of one that has ended; None when no worker answers in time."""
        return await self._asked(run, names.QUERY_STATE, timedelta(seconds=20))

    async def previews(self, run: Run) -> dict[str, Any]:
        """First items of what its steps took and gave; see `runtime.interpreter.previews`. Empty when no worker answers in time."""
        return await self._asked(run, names.QUERY_PREVIEWS, QUERY_PATIENCE) or {}

    async def _asked(self, run: Run, query: str, patience: timedelta) -> dict[str, Any] | None:
        handle = self._client.get_workflow_handle(run.id, run_id=run.run_id)
        try:
            told: dict[str, Any] = await handle.query(query, result_type=dict, rpc_timeout=patience)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, TimeoutError):
            return None
        except RPCError as error:
            if error.status is RPCStatusCode.UNAVAILABLE:
                raise
            return None
        return told

    async def wait(self, run: Run, seconds: float) -> None:
        """Until the run ends, but no longer than so many seconds."""
        handle = self._client.get_workflow_handle(run.id, result_type=dict)
        with contextlib.suppress(WorkflowFailureError, TimeoutError):
            await asyncio.wait_for(handle.result(), seconds)

    async def outcome(self, run: Run) -> Outcome:
        """The end of a closed run, from its last event.

        Raises:
            RPCError: Temporal does not answer.
        """
        handle = self._client.get_workflow_handle(run.id, run_id=run.run_id, result_type=dict)
        try:
            result = RunResult.model_validate(await handle.result(follow_runs=False))
        except WorkflowFailureError as error:
            return await self._failed(run, error.cause)
        return Outcome(RunStatus.COMPLETED, result, None)

    async def _failed(self, run: Run, cause: BaseException | None) -> Outcome:
        if isinstance(cause, ApplicationError) and cause.details:
            result = RunResult.model_validate(cause.details[0])
            # a run that ended at its own time-out failed in Temporal's words and was cancelled in n8n's
            status = RunStatus.CANCELED if result.journal.status == "canceled" else run.status
            return Outcome(status, result, result.journal.error)
        journal = await self.journal(run.id, run.run_id) if run.status == RunStatus.CANCELED else None
        told = RunResult(journal=journal) if journal is not None else None
        return Outcome(run.status, told, _explain(run.status, cause))


async def run_of(info: WorkflowExecutionInfo, converter: DataConverter) -> Run:
    """One entry of a list, or a description, in our words. Search attributes are never sealed; the memo is."""
    told = {name: loads(payload.data) for name, payload in info.search_attributes.indexed_fields.items()}
    memo: Any = None
    if MEMO in info.memo.fields:
        (memo,) = await converter.decode([info.memo.fields[MEMO]])
    status = WorkflowExecutionStatus(info.status) if info.status else WorkflowExecutionStatus.RUNNING
    return Run(
        id=info.execution.workflow_id,
        run_id=info.execution.run_id,
        tenant=names.tenant_of(info.execution.workflow_id),
        template=info.type.name,
        plan_hash=str(told.get(names.PLAN_HASH, "")),
        trigger_kind=str(told.get(names.TRIGGER_KIND, "")),
        status=STATUS.get(status, RunStatus.RUNNING),
        started_at=info.start_time.ToDatetime(tzinfo=UTC),
        closed_at=info.close_time.ToDatetime(tzinfo=UTC) if info.HasField("close_time") else None,
        parent_id=info.parent_execution.workflow_id or None,
        user_id=memo.get("user_id") if isinstance(memo, dict) else None,
    )


def moment(milliseconds: float) -> datetime:
    """A journal's time."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def _explain(status: str, cause: BaseException | None) -> dict[str, Any]:
    if isinstance(cause, TerminatedError):
        reason = cause.message or ""
        return {
            "name": "Terminated",
            "message": f"The run was terminated from outside{': ' + reason if reason else ''}",
        }
    if isinstance(cause, TemporalTimeout):
        return {"name": "TimedOut", "message": "The run was closed by Temporal's execution time-out"}
    if status == RunStatus.CANCELED:
        return {"name": "Canceled", "message": "The run was cancelled"}
    message = cause.message if isinstance(cause, FailureError) else "The run failed outside any node"
    return {"name": "WorkflowFailure", "message": message}
