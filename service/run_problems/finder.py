"""Find the problems of one open run: tasks that fail, steps that are tried again, workers that are missing."""

from datetime import UTC, datetime
from typing import Final

from temporalio.api.enums.v1 import VersioningBehavior
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client
from temporalio.service import RPCError

from service.run_problems.failures import last_task_failure, opened
from service.run_problems.kinds import activity_problem, moment_of, task_problem, worker_problem
from service.run_problems.problem import KINDS, RunProblem
from service.worker_presence import Missing, WorkerPresence

__all__ = ["ProblemFinder", "missing_workers"]

PATIENCE_SECONDS: Final = 5.0
"""Age of a run from which on somebody asks whether there is a worker for it."""


class ProblemFinder:
    """Finds the problems of runs as Temporal describes them. A run that goes on costs no further question."""

    def __init__(self, client: Client, presence: WorkerPresence) -> None:
        self._client, self._presence = client, presence

    async def find(
        self, run: DescribeWorkflowExecutionResponse | None, unread: RunProblem | None = None
    ) -> list[RunProblem]:
        """Return the problems of a run, the gravest first; none of one that goes on.

        Args:
            run: as Temporal describes it; None: it does not.
            unread: what could not be read of it.
        """
        further = [unread] if unread else []
        if run is None or run.workflow_execution_info.HasField("close_time"):
            return further
        id_ = run.workflow_execution_info.execution.workflow_id
        problems = [
            activity_problem(each, await opened(self._client, id_, each.last_failure))
            for each in run.pending_activities
            if each.HasField("last_failure")
        ]
        if run.pending_workflow_task.attempt > 1:
            problems.append(await self._task(run))
        elif _is_old_enough(run) and (missing := await self._worker(run)) is not None:
            problems.append(missing)
        return sorted(problems + further, key=lambda each: KINDS.index(each.kind))

    async def _task(self, run: DescribeWorkflowExecutionResponse) -> RunProblem:
        task = run.pending_workflow_task
        since = moment_of(task.original_scheduled_time)
        try:
            failed = await last_task_failure(self._client, run.workflow_execution_info.execution)
        except RPCError:
            return task_problem("Unspecified", None, since, task.attempt)
        cause, failure = failed or ("TimedOut", None)
        return task_problem(cause, failure, since, task.attempt)

    async def _worker(self, run: DescribeWorkflowExecutionResponse) -> RunProblem | None:
        try:
            missing = await missing_workers(self._presence, run)
        except RPCError:
            return None
        if missing is None:
            return None
        return worker_problem(missing, moment_of(run.pending_workflow_task.original_scheduled_time))


async def missing_workers(presence: WorkerPresence, run: DescribeWorkflowExecutionResponse) -> Missing | None:
    """Return the workers that an open run needs and that do not poll; None: they do. Raise RPCError."""
    versioning = run.workflow_execution_info.versioning_info
    pinned = versioning.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_PINNED
    workers = await presence.look(run.execution_config.task_queue.name)
    return workers.missing(versioning.deployment_version.build_id if pinned else None)


def _is_old_enough(run: DescribeWorkflowExecutionResponse) -> bool:
    """Return whether a worker that is there would have taken the run."""
    began = run.workflow_execution_info.start_time.ToNanoseconds() / 1e9
    return datetime.now(UTC).timestamp() - began > PATIENCE_SECONDS
