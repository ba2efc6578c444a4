"""Replays a recorded history and says what came out differently: commands, their payloads, the result, and the state.

The state that a history leads to is kept as a hash in `states.json`, by the name of the history.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ContinueAsNewInput,
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
    WorkflowRunner,
)

from runtime.expressions.v8 import evaluator_of
from runtime.hosts.temporal.extern import ScriptInterceptor
from runtime.hosts.temporal.workflow import TemplateWorkflow
from runtime.platform.plan_cache import PlanCache, PlanCodec
from runtime.platform.storage.payloads import JsonPayloadConverter

__all__ = ["CONVERTER", "PLANS", "PLAN_FOLDER", "faults", "state_of"]

KINDS = ("activity", "child", "continued", "result", "failure", "state")
DECIDING = ("stack", "waiting", "runs", "order", "memory", "last", "error", "deadline", "status", "forgotten")
PLAN_FOLDER = Path(__file__).parent / "plans"
"""The plans of runs that carry a hash: HASH.json."""


async def _load(tenant: str, plan_hash: str) -> bytes | None:
    del tenant
    path = PLAN_FOLDER / f"{plan_hash}.json"
    return await asyncio.to_thread(path.read_bytes) if path.exists() else None


PLANS = PlanCache(_load)
CONVERTER = DataConverter(payload_converter_class=JsonPayloadConverter, payload_codec=PlanCodec(PLANS, None))
"""Histories of the gate are in clear."""


async def faults(
    path: Path, hashes: Mapping[str, str] | None = None, runner: WorkflowRunner | None = None
) -> list[str]:
    """What a replay of this history does otherwise; empty: nothing. Payloads are compared as JSON, the last state with the
    hash of it that was kept. `runner`: what runs workflow code; without, no sandbox.
    """
    return (await _replayed(path, hashes, runner))[0]


async def state_of(path: Path) -> str:
    """The hash of the state that this history leads to."""
    return state_hash((await _replayed(path, None, None))[1])


def state_hash(states: Sequence[Any]) -> str:
    """Of what an engine decides by; not of what it has only to look after itself."""
    told = [{name: state.get(name) for name in DECIDING} for state in states]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


async def _replayed(
    path: Path, hashes: Mapping[str, str] | None, runner: WorkflowRunner | None
) -> tuple[list[str], list[Any]]:
    document = json.loads(path.read_text(encoding="utf-8"))
    history = WorkflowHistory.from_json(document.pop("workflowId"), document)
    seen: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    replayer = Replayer(
        workflows=[TemplateWorkflow],
        data_converter=CONVERTER,
        interceptors=[ScriptInterceptor(evaluator_of, PLANS), _Watching(seen)],
        workflow_runner=runner or UnsandboxedWorkflowRunner(),
        debug_mode=True,  # no deadlock detector: loading our modules in the sandbox of a busy machine takes seconds
    )
    outcome = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    if outcome.replay_failure is not None:
        return [f"{type(outcome.replay_failure).__name__}: {outcome.replay_failure}"], seen["state"]
    recorded = await asyncio.to_thread(_recorded, history)
    found = []
    if hashes is not None and hashes.get(path.stem) != state_hash(seen["state"]):
        found.append("state: another one at the end")
    for kind, wanted in recorded.items():
        got = seen[kind] if kind != "state" else []
        if len(got) < len(wanted):
            found.append(f"{kind}: {len(wanted)} recorded, {len(got)} on replay")
        found += [f"{kind} {i}: another payload" for i, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b]
    return found, seen["state"]


def _recorded(history: WorkflowHistory) -> dict[str, list[Any]]:
    """Payloads of the events that commands made, in order."""
    kinds: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            kinds["activity"].append(_values(event.activity_task_scheduled_event_attributes.input))
        elif event.HasField("start_child_workflow_execution_initiated_event_attributes"):
            kinds["child"].append(_values(event.start_child_workflow_execution_initiated_event_attributes.input))
        elif event.HasField("workflow_execution_completed_event_attributes"):
            kinds["result"].append(_values(event.workflow_execution_completed_event_attributes.result))
        elif event.HasField("workflow_execution_failed_event_attributes"):
            details = event.workflow_execution_failed_event_attributes.failure.application_failure_info.details
            kinds["failure"].append(_values(details))
        elif event.HasField("workflow_execution_continued_as_new_event_attributes"):
            kinds["continued"].append(_values(event.workflow_execution_continued_as_new_event_attributes.input))
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

            def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:  # noqa: A002
                seen["continued"].append(_plain(input.args))
                super().continue_as_new(input)

            async def start_child_workflow(self, input: StartChildWorkflowInput) -> Any:  # noqa: A002
                seen["child"].append(_plain(input.args))
                return await super().start_child_workflow(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
                try:
                    result = await super().execute_workflow(input)
                except ApplicationError as error:
                    seen["failure"].append(_plain(error.details))
                    raise
                finally:
                    execution = workflow.instance().execution
                    if execution is not None:
                        seen["state"].append(json.loads(json.dumps(execution.as_json(execution.engine.state()))))
                seen["result"].append(_plain([result]))
                return result

        return Inbound
