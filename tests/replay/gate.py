"""Replays a recorded history and says what came out differently: commands, their payloads, and the result."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from runtime.platform.payloads import JsonPayloadConverter
from runtime.workflow import Run

__all__ = ["CONVERTER", "faults"]

CONVERTER = DataConverter(payload_converter_class=JsonPayloadConverter)
"""Histories of the gate are in clear."""


async def faults(path: Path) -> list[str]:
    """What a replay of this history does otherwise; empty: nothing. Payloads are compared as JSON."""
    document = json.loads(path.read_text(encoding="utf-8"))
    history = WorkflowHistory.from_json(document.pop("workflowId"), document)
    seen: dict[str, list[Any]] = {"activity": [], "child": [], "result": []}
    replayer = Replayer(
        workflows=[Run],
        data_converter=CONVERTER,
        interceptors=[_Watching(seen)],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    outcome = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    if outcome.replay_failure is not None:
        return [f"{type(outcome.replay_failure).__name__}: {outcome.replay_failure}"]
    recorded = await asyncio.to_thread(_recorded, history)
    found = []
    for kind, wanted in recorded.items():
        got = seen[kind]
        if len(got) < len(wanted):
            found.append(f"{kind}: {len(wanted)} recorded, {len(got)} on replay")
        found += [f"{kind} {i}: another payload" for i, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b]
    return found


def _recorded(history: WorkflowHistory) -> dict[str, list[Any]]:
    """Payloads of the events that commands made, in order."""
    kinds: dict[str, list[Any]] = {"activity": [], "child": [], "result": []}
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            kinds["activity"].append(_values(event.activity_task_scheduled_event_attributes.input))
        elif event.HasField("start_child_workflow_execution_initiated_event_attributes"):
            kinds["child"].append(_values(event.start_child_workflow_execution_initiated_event_attributes.input))
        elif event.HasField("workflow_execution_completed_event_attributes"):
            kinds["result"].append(_values(event.workflow_execution_completed_event_attributes.result))
    return kinds


def _values(payloads: Any) -> list[Any]:
    return [json.loads(each.data) for each in payloads.payloads]


def _plain(values: Any) -> list[Any]:
    return [json.loads(CONVERTER.payload_converter.to_payload(each).data) for each in values]


class _Watching(Interceptor):
    """Keeps what workflow code hands out."""

    def __init__(self, seen: Mapping[str, list[Any]]) -> None:
        self.seen = seen

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        """See Interceptor."""
        del input
        seen = self.seen

        class Outbound(WorkflowOutboundInterceptor):
            def start_activity(self, input: StartActivityInput) -> Any:  # noqa: A002
                seen["activity"].append(_plain(input.args))
                return super().start_activity(input)

            def start_local_activity(self, input: StartLocalActivityInput) -> Any:  # noqa: A002
                return super().start_local_activity(input)

            async def start_child_workflow(self, input: StartChildWorkflowInput) -> Any:  # noqa: A002
                seen["child"].append(_plain(input.args))
                return await super().start_child_workflow(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
                result = await super().execute_workflow(input)
                seen["result"].append(_plain([result]))
                return result

        return Inbound
