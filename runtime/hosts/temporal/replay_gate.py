"""The gate of a new build: replay the histories of open runs with it, before any run goes over to it.

Temporal's worker controller starts this workflow on a build that polls and is not current, and promotes the build when it succeeds.
"""

from datetime import timedelta
from typing import Any, Final

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from runtime.expressions.v8 import evaluator_of
from runtime.hosts.temporal.extern import ScriptInterceptor
from runtime.hosts.temporal.workflow import TemplateWorkflow
from runtime.platform.plan_cache import PlanCache

__all__ = ["GATE", "OpenRunReplay", "ReplayGate"]

GATE: Final = "tempor8.replay_gate"
REPLAY: Final = "replay_open_runs"
MAX_RUNS: Final = 200
"""The runs that began last. One more costs as long as its history takes to read and replay."""
MAX_NAMED: Final = 10
"""Runs that the failure names."""


@workflow.defn(name=GATE)
class ReplayGate:
    """Succeeds when the build that runs it can continue the runs that are open."""

    @workflow.run
    async def run(self) -> dict[str, int]:
        """Return how many histories were replayed: {'replayed', 'gone'}."""
        result: dict[str, int] = await workflow.execute_activity(
            REPLAY,
            result_type=dict,
            start_to_close_timeout=timedelta(minutes=15),
            heartbeat_timeout=timedelta(minutes=2),
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
        return result


class OpenRunReplay:
    """The activity that reads and replays.

    Args:
        client: of the worker; its data converter fills `plans`.
        plans: see `ScriptInterceptor`.
        deployment: whose runs are replayed.
    """

    def __init__(self, client: Client, plans: PlanCache | None, deployment: str) -> None:
        self._client, self._plans, self._deployment = client, plans, deployment

    @activity.defn(name=REPLAY)
    async def replay(self) -> dict[str, int]:
        """Replay the histories of open runs.

        Raises:
            ApplicationError: some do not replay; it names them and is not tried again.
        """
        replayer = Replayer(
            workflows=[TemplateWorkflow],
            interceptors=[ScriptInterceptor(evaluator_of, self._plans)],
            workflow_runner=UnsandboxedWorkflowRunner(),
            data_converter=self._client.data_converter,
            namespace=self._client.namespace,
        )
        replayed = gone = 0
        failed: dict[str, str] = {}
        query = f"ExecutionStatus = 'Running' AND TemporalWorkerDeployment = '{self._deployment}' AND WorkflowType != '{GATE}'"
        async for run in self._client.list_workflows(query, limit=MAX_RUNS):
            activity.heartbeat(replayed)
            try:
                handle: Any = self._client.get_workflow_handle(run.id, run_id=run.run_id)
                history = await handle.fetch_history()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                gone += 1
                continue
            outcome = await replayer.replay_workflow(history, raise_on_replay_failure=False)
            replayed += 1
            if outcome.replay_failure is not None:
                failed[run.id] = type(outcome.replay_failure).__name__
        if failed:
            shown = ", ".join(f"{id_} ({why})" for id_, why in list(failed.items())[:MAX_NAMED])
            raise ApplicationError(
                f"{len(failed)} of {replayed} open runs do not replay on this build: {shown}",
                type="ReplayFailed", non_retryable=True,
            )  # fmt: skip
        return {"replayed": replayed, "gone": gone}
