"""When the activities of a run were scheduled, begun and ended, from Temporal's history: where its steps were in a queue."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client

from service.run_description import RunDescription

__all__ = ["ActivityTimes", "activity_times", "local_activity", "times_of_events"]

MAX_EVENTS: Final = 5_000
"""Events that are read, from the beginning of the history on."""
PAGE: Final = 1_000
LOCAL_MARKER: Final = "core_local_activity"
"""Name of the event that the SDK writes at the end of a local activity, with its times under `data` and its result."""
ENDS: Final = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "activity_task_completed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "activity_task_failed_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "activity_task_timed_out_event_attributes",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "activity_task_canceled_event_attributes",
}


@dataclass(frozen=True)
class ActivityTimes:
    """An activity. Of one that was tried several times, the last try; what came before counts as queue."""

    id: str
    """`step#run#try#number`, see `TemporalHost.work`."""
    scheduled: datetime
    started: datetime | None = None
    ended: datetime | None = None


async def activity_times(client: Client, run: RunDescription) -> list[ActivityTimes]:
    """Return the activities of a run in the order in which they were scheduled, those of its first 5,000 events.

    Raises:
        RPCError: Temporal does not answer.
    """
    events: list[HistoryEvent] = []
    execution = WorkflowExecution(workflow_id=run.id, run_id=run.run_id)
    request = GetWorkflowExecutionHistoryRequest(
        namespace=client.namespace, execution=execution, maximum_page_size=PAGE
    )
    while True:
        answer = await client.workflow_service.get_workflow_execution_history(request, retry=True)
        events += answer.history.events
        if not answer.next_page_token or len(events) >= MAX_EVENTS:
            break
        request.next_page_token = answer.next_page_token
    found = {each.id: each for each in times_of_events(events)}
    for pending in run.raw.pending_activities if run.raw is not None else ():
        known = found.get(pending.activity_id)
        if known is not None and pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED:
            found[known.id] = replace(known, started=_moment(pending.last_started_time))
    return list(found.values())


def times_of_events(events: Iterable[HistoryEvent]) -> list[ActivityTimes]:
    """Return the activities that a history tells of."""
    found: dict[int, ActivityTimes] = {}
    for event in events:
        at = _moment(event.event_time)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            activity = event.activity_task_scheduled_event_attributes.activity_id
            found[event.event_id] = ActivityTimes(activity, at)
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            number = event.activity_task_started_event_attributes.scheduled_event_id
            if number in found:
                found[number] = replace(found[number], started=at)
        elif (local := local_activity(event)) is not None:
            found[event.event_id] = local
        elif (member := ENDS.get(event.event_type)) is not None:
            number = getattr(event, member).scheduled_event_id
            if number in found:
                found[number] = replace(found[number], ended=at)
    return list(found.values())


def local_activity(event: HistoryEvent) -> ActivityTimes | None:
    """Return the local activity that an event tells of; None: it tells of none, or its data are not as the SDK writes them."""
    if event.event_type != EventType.EVENT_TYPE_MARKER_RECORDED:
        return None
    marker = event.marker_recorded_event_attributes
    if marker.marker_name != LOCAL_MARKER or not (payloads := marker.details["data"].payloads):
        return None
    try:
        data = json.loads(payloads[0].data)
        begun, ended = (_of_parts(data[member]) for member in ("original_schedule_time", "complete_time"))
        return ActivityTimes(str(data["activity_id"]), min(begun, ended), min(begun, ended), ended)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _of_parts(time: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(time["seconds"], tz=UTC) + timedelta(microseconds=time["nanos"] / 1000)


def _moment(time: Any) -> datetime:
    moment: datetime = time.ToDatetime(tzinfo=UTC)  # a protobuf Timestamp
    return moment
