"""One run as Temporal describes or lists it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowExecutionStatus
from temporalio.converter import DataConverter

from runtime.platform.storage.payloads import loads
from schemas import names
from schemas.kinds import RunStatus
from service.outages import is_outage
from service.run_problems.kinds import reported_problem, unreadable
from service.run_problems.problem import RunProblem

__all__ = ["MEMO", "STATUS_NAMES", "RunDescription", "described_run", "listed_run"]

MEMO: Final = "tempor8"
"""The memo field with what lists show and a history does not have: `user_id`, `request` (a digest), `retry_of`, `traceparent`."""
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
    problem: RunProblem | None = None
    """Why it does not go on; None: Temporal reports nothing."""
    memo_error: RunProblem | None = None
    """Why its memo cannot be read, so that `user_id` is not known."""
    retry_of: str | None = None
    """The run that this one tries again."""
    traceparent: str | None = None
    """The W3C trace context of the request that started it."""
    history_length: int = 0
    """Events so far: while it stays, nothing has happened."""
    raw: DescribeWorkflowExecutionResponse | None = field(default=None, compare=False, repr=False)
    """What Temporal says, of a description; None: of a list."""

    @property
    def open(self) -> bool:
        """Return whether it has not ended."""
        return self.status == RunStatus.RUNNING


async def described_run(description: DescribeWorkflowExecutionResponse, converter: DataConverter) -> RunDescription:
    """Return a described run, with what it waits for. Search attributes are never encrypted; the memo is."""
    members = await _members(description.workflow_execution_info, converter)
    return RunDescription(**members, raw=description)


async def listed_run(info: WorkflowExecutionInfo, converter: DataConverter) -> RunDescription:
    """Return an entry of a list. A memo that cannot be read is noted in `memo_error`; an outage is raised."""
    return RunDescription(**await _members(info, converter))


async def _members(info: WorkflowExecutionInfo, converter: DataConverter) -> dict[str, Any]:
    attributes = {name: _attribute(payload.data) for name, payload in info.search_attributes.indexed_fields.items()}
    memo, memo_error = await _memo(info, converter)
    status = WorkflowExecutionStatus(info.status) if info.status else WorkflowExecutionStatus.RUNNING
    return {
        "id": info.execution.workflow_id,
        "run_id": info.execution.run_id,
        "tenant": names.tenant_of(info.execution.workflow_id),
        "template": info.type.name,
        "plan_hash": str(attributes.get(names.PLAN_HASH) or ""),
        "trigger_kind": str(attributes.get(names.TRIGGER_KIND) or ""),
        "status": STATUS_NAMES.get(status, RunStatus.RUNNING),
        "started_at": info.start_time.ToDatetime(tzinfo=UTC),
        "closed_at": info.close_time.ToDatetime(tzinfo=UTC) if info.HasField("close_time") else None,
        "parent_id": info.parent_execution.workflow_id or None,
        "user_id": memo.get("user_id") if isinstance(memo, dict) else None,
        "retry_of": memo.get("retry_of") if isinstance(memo, dict) else None,
        "traceparent": memo.get("traceparent") if isinstance(memo, dict) else None,
        "problem": reported_problem(attributes),
        "memo_error": memo_error,
        "history_length": info.history_length,
    }


async def _memo(info: WorkflowExecutionInfo, converter: DataConverter) -> tuple[Any, RunProblem | None]:
    if MEMO not in info.memo.fields:
        return None, None
    try:
        (memo,) = await converter.decode([info.memo.fields[MEMO]])
    except Exception as error:  # sealed with a foreign key, gone, or no JSON: the run itself is there
        if is_outage(error):
            raise
        return None, unreadable(error)
    return memo, None


def _attribute(data: bytes) -> Any:
    try:
        return loads(data)
    except ValueError:
        return None
