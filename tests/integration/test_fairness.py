"""What a run begins is queued under its tenant's name: its steps, its sub-workflows, and itself after continue-as-new."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import Priority, RawValue, RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.service import eventually

KEYS: list[str | None] = []


@workflow.defn(dynamic=True)
class Family:
    """Continues as new once; then has a child and a step that is tried again."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        """Be one of them."""
        age = workflow.payload_converter().from_payload(args[0].payload, int)
        if age == 0:
            workflow.continue_as_new(args=[1])
        if age == 1:
            await workflow.start_child_workflow("child", 2, id=f"{workflow.info().workflow_id}-child")
            await workflow.execute_activity(
                "fail", start_to_close_timeout=timedelta(seconds=5), retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.1)),
            )  # fmt: skip
        await workflow.wait_condition(lambda: False)


@activity.defn
async def fail() -> None:
    """Fail, and note under which name the attempt was queued."""
    KEYS.append(activity.info().priority.fairness_key)
    raise RuntimeError("no")


async def test_what_a_run_begins_is_queued_under_its_tenants_name(temporal: Client) -> None:
    """Temporal hands the fairness key on, so that no command of ours has to name it."""
    queue = f"fairness-{uuid.uuid4().hex[:8]}"
    async with Worker(
        temporal, task_queue=queue, workflows=[Family], activities=[fail], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        handle = await temporal.start_workflow(
            "parent", 0, id=queue, task_queue=queue, priority=Priority(fairness_key="acme")
        )

        async def described() -> Any:
            description = (await temporal.get_workflow_handle(queue).describe()).raw_description
            failed = [each for each in description.pending_activities if each.attempt > 3]
            return description if description.pending_children and failed else None

        parent = await eventually(described)
        child = (await temporal.get_workflow_handle(f"{queue}-child").describe()).raw_description
        assert parent.workflow_execution_info.execution.run_id != handle.first_execution_run_id
        assert parent.workflow_execution_info.priority.fairness_key == "acme"
        # the first attempt came with the workflow task, and was in no queue
        assert KEYS[1:3] == ["acme", "acme"], KEYS
        assert child.workflow_execution_info.priority.fairness_key == "acme"
        await temporal.get_workflow_handle(queue).terminate()
