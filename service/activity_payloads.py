"""What went into one activity of a run and what came out of it, from Temporal's history."""

from dataclasses import dataclass
from typing import Any, Final

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client
from temporalio.converter import DataConverter

from runtime.platform.storage.blobs import UNREADABLE
from service.run_activities import MAX_EVENTS, PAGE, local_activity
from service.run_description import RunDescription

__all__ = ["MOST_BYTES", "ActivityPayloads", "activity_payloads"]

MOST_BYTES: Final = 2 * 1024 * 1024
"""Size of a payload that is opened to be looked at."""


@dataclass(frozen=True)
class ActivityPayloads:
    """The task of an activity and its result, opened. None: there is none, it is too large, or its data are gone."""

    task: dict[str, Any] | None
    result: dict[str, Any] | None
    ended: bool


async def activity_payloads(
    client: Client, converter: DataConverter, run: RunDescription, activity: str
) -> ActivityPayloads | None:
    """Return what is known of an activity among the first 5,000 events of a run; None: there is none of this id.

    Raises:
        RPCError: Temporal does not answer.
        DatabaseUnavailable: the store of large payloads does not answer.
    """
    execution = WorkflowExecution(workflow_id=run.id, run_id=run.run_id)
    request = GetWorkflowExecutionHistoryRequest(
        namespace=client.namespace, execution=execution, maximum_page_size=PAGE
    )
    scheduled, task, read = 0, None, 0
    while True:
        answer = await client.workflow_service.get_workflow_execution_history(request, retry=True)
        for event in answer.history.events:
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                scheduling = event.activity_task_scheduled_event_attributes
                if scheduling.activity_id == activity:
                    scheduled, task = event.event_id, await _open(converter, scheduling.input.payloads)
            elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                done = event.activity_task_completed_event_attributes
                if scheduled and done.scheduled_event_id == scheduled:
                    return ActivityPayloads(task, await _open(converter, done.result.payloads), ended=True)
            elif (local := local_activity(event)) is not None and local.id == activity:
                result = await _open(converter, event.marker_recorded_event_attributes.details["result"].payloads)
                # its input is no part of the history: a call of a tool returns its arguments
                arguments = {"arguments": result["arguments"]} if result and "arguments" in result else None
                return ActivityPayloads(arguments, result, ended=True)
        read += len(answer.history.events)
        if not answer.next_page_token or read >= MAX_EVENTS:
            return ActivityPayloads(task, None, ended=False) if scheduled else None
        request.next_page_token = answer.next_page_token


async def _open(converter: DataConverter, payloads: Any) -> dict[str, Any] | None:
    """Return the first payload of these: the task without its long lists, or the result."""
    first: Payload | None = next(iter(payloads), None)
    if first is None or first.ByteSize() + sum(each.size_bytes for each in first.external_payloads) > MOST_BYTES:
        return None
    try:
        (document,) = await converter.decode([first], [dict])
    except UNREADABLE:
        return None
    return dict(document)
