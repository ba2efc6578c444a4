"""Read failures as Temporal keeps them: the error that matters is often the cause of what wraps it."""

import contextlib
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext

from runtime.platform.sealing import SealError
from service.run_problems.causes import CAUSES

__all__ = ["cause_name", "first_line", "last_task_failure", "opened", "telling"]

LOOK_SECONDS: Final = timedelta(seconds=2.5)
RECENT_EVENTS: Final = 10
"""The last events of a history, among which the failure of its workflow task is."""
MAX_MESSAGE_CHARACTERS: Final = 500
PREFIXES: Final = ("WORKFLOW_TASK_FAILED_CAUSE_", "WorkflowTaskFailedCause")
TIMED_OUT: Final = "WorkflowTaskTimedOut"


def telling(failure: Failure) -> Failure:
    """Return the innermost error of a chain that has words of its own in `CAUSES`; else the one without a cause.

    The SDK wraps what a decoder raises ("Failed decoding arguments"); the name of a missing payload is in the cause.
    """
    chain = list(_chain(failure))
    known = [each for each in chain if each.application_failure_info.type in CAUSES]
    return (known or [each for each in chain if each.message] or [failure])[-1]


def _chain(failure: Failure) -> Iterator[Failure]:
    yield failure
    while failure.HasField("cause"):
        failure = failure.cause
        yield failure


async def opened(client: Client, workflow_id: str, failure: Failure) -> Failure:
    """Return a failure of a run with its messages in clear. One that this process cannot open has none.

    Raises:
        DatabaseUnavailable, CredentialsUnavailable: the tenant's data key cannot be had.
    """
    converter = client.data_converter.with_context(WorkflowSerializationContext(client.namespace, workflow_id))
    copy = deepcopy(failure)
    for each in _chain(copy):
        if each.HasField("encoded_attributes"):
            each.message = ""
            with contextlib.suppress(SealError):
                (attributes,) = await converter.decode([each.encoded_attributes], [dict])
                each.message = str(attributes.get("message") or "")
    return copy


async def last_task_failure(client: Client, execution: WorkflowExecution) -> tuple[str, Failure] | None:
    """Return Temporal's cause and the failure of the last workflow task that failed; None: it timed out.

    Raises:
        RPCError: Temporal does not answer, or has no such run.
    """
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace, execution=execution, maximum_page_size=RECENT_EVENTS
    )
    answer = await client.workflow_service.get_workflow_execution_history_reverse(request, timeout=LOOK_SECONDS)
    for event in answer.history.events:  # the latest first
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            attributes = event.workflow_task_failed_event_attributes
            return cause_name(WorkflowTaskFailedCause.Name(attributes.cause)), await opened(
                client, execution.workflow_id, attributes.failure
            )
    return None


def cause_name(cause: str) -> str:
    """Return a cause without its prefix, in one spelling: `WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR` and
    `WorkflowTaskFailedCauseNonDeterministicError` are `NonDeterministicError`.
    """
    if cause.startswith(TIMED_OUT):
        return "TimedOut"
    screaming, camel = PREFIXES
    if cause.startswith(screaming):
        return "".join(word.capitalize() for word in cause.removeprefix(screaming).split("_"))
    return cause.removeprefix(camel) or "Unspecified"


def first_line(message: str) -> str:
    """Return the first line of a message, cut where it is long."""
    return (message.splitlines() or [""])[0][:MAX_MESSAGE_CHARACTERS]
