"""Reading runs from Temporal, the source of truth: their status, journal and result."""

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

__all__ = ["MEMO", "Outcome", "RunDescription", "TemporalRuns", "moment"]

MEMO: Final = "tempor8"
"""The memo field with what lists show and a history does not have: `user_id`, `request` (a digest)."""
QUERY_TIMEOUT: Final = timedelta(seconds=3)
"""How long a query may take: without a worker there is no answer."""

STATUS_NAMES: Final = {
    WorkflowExecutionStatus.RUNNING: RunStatus.RUNNING,
    WorkflowExecutionStatus.COMPLETED: RunStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED: RunStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: RunStatus.CANCELED,
    WorkflowExecutionStatus.TERMINATED: RunStatus.TERMINATED,
    WorkflowExecutionStatus.CONTINUED_AS_NEW: RunStatus.RUNNING,
    WorkflowExecutionStatus.TIMED_OUT: RunStatus.TIMED_OUT,
}


@dataclass(frozen=True)
class RunDescription:
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
        """Return whether it has not ended."""
        return self.status == RunStatus.RUNNING


@dataclass(frozen=True)
class Outcome:
    """The end of a closed run. `result` is None for one that was closed from outside (terminated, timed out)."""

    status: RunStatus
    result: RunResult | None
    error: dict[str, Any] | None


class TemporalRuns:
    """Descriptions, journals and results of runs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def describe(self, workflow_id: str) -> RunDescription | None:
        """Return the latest run of a chain; None when Temporal has no record of it (any more).

        Raises:
            RPCError: Temporal does not answer.
        """
        try:
            description = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return await run_of(description.raw_info, self._client.data_converter)

    async def journal(self, workflow_id: str, run_id: str | None = None) -> Journal | None:
        """Return the journal of a run as it is now; None when no worker answers in time or the run cannot answer.

        Raises:
            RPCError: Temporal does not answer.
        """
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            journal: Journal = await handle.query(names.QUERY_JOURNAL, result_type=Journal, rpc_timeout=QUERY_TIMEOUT)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, TimeoutError):
            return None
        except RPCError as error:
            if error.status is RPCStatusCode.UNAVAILABLE:
                raise
            return None
        return journal

    async def state(self, run: RunDescription) -> dict[str, Any] | None:
        """Return the whole state of a run, also of one that has ended; None when no worker answers in time.

        Raises:
            RPCError: Temporal does not answer.
        """
        return await self._query(run, names.QUERY_STATE, timedelta(seconds=20))

    async def previews(self, run: RunDescription) -> dict[str, Any]:
        """Return the first items of its steps' inputs and outputs (see `runtime.interpreter.previews`); empty when no worker
        answers in time.
        """
        return await self._query(run, names.QUERY_PREVIEWS, QUERY_TIMEOUT) or {}

    async def _query(self, run: RunDescription, query: str, timeout: timedelta) -> dict[str, Any] | None:
        handle = self._client.get_workflow_handle(run.id, run_id=run.run_id)
        try:
            answer: dict[str, Any] = await handle.query(query, result_type=dict, rpc_timeout=timeout)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, TimeoutError):
            return None
        except RPCError as error:
            if error.status is RPCStatusCode.UNAVAILABLE:
                raise
            return None
        return answer

    async def wait(self, run: RunDescription, seconds: float) -> None:
        """Wait until the run ends, but no longer than so many seconds."""
        handle = self._client.get_workflow_handle(run.id, result_type=dict)
        with contextlib.suppress(WorkflowFailureError, TimeoutError):
            await asyncio.wait_for(handle.result(), seconds)

    async def outcome(self, run: RunDescription) -> Outcome:
        """Return the end of a closed run, from its last event.

        Raises:
            RPCError: Temporal does not answer.
        """
        handle = self._client.get_workflow_handle(run.id, run_id=run.run_id, result_type=dict)
        try:
            result = RunResult.model_validate(await handle.result(follow_runs=False))
        except WorkflowFailureError as error:
            return await self._failed(run, error.cause)
        return Outcome(RunStatus.COMPLETED, result, None)

    async def _failed(self, run: RunDescription, cause: BaseException | None) -> Outcome:
        if isinstance(cause, ApplicationError) and cause.details:
            result = RunResult.model_validate(cause.details[0])
            # a run that ended at its own time-out failed in Temporal's words and was cancelled in n8n's
            status = RunStatus.CANCELED if result.journal.status == "canceled" else run.status
            return Outcome(status, result, result.journal.error)
        journal = await self.journal(run.id, run.run_id) if run.status == RunStatus.CANCELED else None
        partial = RunResult(journal=journal) if journal is not None else None
        return Outcome(run.status, partial, _explain(run.status, cause))


async def run_of(info: WorkflowExecutionInfo, converter: DataConverter) -> RunDescription:
    """Return an entry of a list, or a description. Search attributes are never encrypted; the memo is."""
    attributes = {name: loads(payload.data) for name, payload in info.search_attributes.indexed_fields.items()}
    memo: Any = None
    if MEMO in info.memo.fields:
        (memo,) = await converter.decode([info.memo.fields[MEMO]])
    status = WorkflowExecutionStatus(info.status) if info.status else WorkflowExecutionStatus.RUNNING
    return RunDescription(
        id=info.execution.workflow_id,
        run_id=info.execution.run_id,
        tenant=names.tenant_of(info.execution.workflow_id),
        template=info.type.name,
        plan_hash=str(attributes.get(names.PLAN_HASH, "")),
        trigger_kind=str(attributes.get(names.TRIGGER_KIND, "")),
        status=STATUS_NAMES.get(status, RunStatus.RUNNING),
        started_at=info.start_time.ToDatetime(tzinfo=UTC),
        closed_at=info.close_time.ToDatetime(tzinfo=UTC) if info.HasField("close_time") else None,
        parent_id=info.parent_execution.workflow_id or None,
        user_id=memo.get("user_id") if isinstance(memo, dict) else None,
    )


def moment(milliseconds: float) -> datetime:
    """Return the UTC time of a journal's milliseconds since the epoch."""
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
