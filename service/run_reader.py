"""Reading runs from Temporal, the source of truth: their status, journal and result."""

import asyncio
import contextlib
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import HistoryEventFilterType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError, FailureError, TerminatedError
from temporalio.exceptions import TimeoutError as TemporalTimeout
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.storage.blobs import UNREADABLE
from runtime.platform.storage.payloads import loads
from schemas import names
from schemas.kinds import RunStatus
from schemas.run import ItemsAnswer, ItemsPage, Journal, JournalPage, RunResult, StepRecord
from service.activity_payloads import ActivityPayloads, activity_payloads
from service.outages import is_outage, is_unreachable
from service.run_activities import ActivityTimes, activity_times
from service.run_description import MEMO, STATUS_NAMES, RunDescription, described_run
from service.run_problems.kinds import unreadable
from service.speaking import Speaking, SpeakingReader

__all__ = [
    "CLOSED_FROM_OUTSIDE",
    "MEMO",
    "STATUS_NAMES",
    "Outcome",
    "RunDescription",
    "TemporalRuns",
    "moment",
    "query_state",
]


CLOSED_FROM_OUTSIDE: Final = (RunStatus.CANCELED, RunStatus.TERMINATED, RunStatus.TIMED_OUT)
"""Such a run leaves no result, but a query of it is answered."""
QUERY_TIMEOUT: Final = timedelta(seconds=3)
"""How long a query may take: without a worker there is no answer."""
MAX_STATE_PARTS: Final = 2_000
"""Questions for one state: 800 MB."""
STATE_TIMEOUT: Final = timedelta(seconds=20)
"""How long one part of the state may take."""


@dataclass(frozen=True)
class Outcome:
    """The end of a closed run. `result` is None for one that was closed from outside (terminated, timed out) while no worker
    answered what it had done.
    """

    status: RunStatus
    result: RunResult | None
    error: dict[str, Any] | None
    event: HistoryEvent | None = None
    """The last event of the run, as Temporal has it: payloads are sealed, large ones by reference."""
    unreadable: Exception | None = None
    """Why its result cannot be read; None: it can, or there is none."""


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
        return await described_run(description.raw_description, self._client.data_converter)

    async def journal(
        self, workflow_id: str, run_id: str | None = None, *, page: JournalPage | None = None
    ) -> Journal | None:
        """Return the journal of a run as it is now; None when no worker answers in time or the run cannot answer.

        With `page`, only those steps; a run of an older build answers with all of them. Without it, all that the run keeps: one
        that is too long for one answer is read page by page, and has its latest model requests only.

        Raises:
            RPCError: Temporal does not answer.
        """
        try:
            return await self._ask_journal(workflow_id, run_id, page)
        except WorkflowQueryFailedError:
            if page is None:  # it is too long
                return await self.journal_since(workflow_id, run_id)
        with contextlib.suppress(WorkflowQueryFailedError):  # a build that knows no pages
            return await self._ask_journal(workflow_id, run_id, None)
        return None

    async def journal_since(self, workflow_id: str, run_id: str | None = None, place: int = 0) -> Journal | None:
        """Return the journal with the steps from this place on, read page by page; None when no worker answers in time.

        Raises:
            RPCError: Temporal does not answer.
        """
        steps: list[StepRecord] = []
        while True:
            journal = await self.journal(workflow_id, run_id, page=JournalPage(since=place))
            if journal is None or journal.totals is None:
                return journal
            steps += journal.steps
            journal.steps = steps
            if journal.totals.next is None:
                return journal
            place = journal.totals.next

    async def _ask_journal(self, workflow_id: str, run_id: str | None, page: JournalPage | None) -> Journal | None:
        """Raise WorkflowQueryFailedError: the run refuses the question."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        asked = [] if page is None else [page.model_dump()]
        try:
            journal: Journal = await handle.query(
                names.QUERY_JOURNAL, args=asked, result_type=Journal, rpc_timeout=QUERY_TIMEOUT
            )
        except (WorkflowQueryRejectedError, TimeoutError):
            return None
        except RPCError as error:
            if is_unreachable(error):
                raise
            return None
        return journal

    async def activities(self, run: RunDescription) -> list[ActivityTimes]:
        """Return when the activities of a run were scheduled, begun and ended. Raises RPCError."""
        return await activity_times(self._client, run)

    async def payloads(self, run: RunDescription, activity: str) -> ActivityPayloads | None:
        """Return what went into an activity and came out of it; None: the run has none of this id. Raises as `activity_payloads`."""
        return await activity_payloads(self._client, self.converter_of(run), run, activity)

    async def state(self, run: RunDescription) -> dict[str, Any] | None:
        """Return the whole state of a run (`{state, mode}`), also of one that has ended; None when no worker answers in time.

        A failed run has left it, so that no worker is asked.

        Raises:
            RPCError: Temporal does not answer.
            DatabaseUnavailable: the store of what it left does not answer.
        """
        if (left := await self.left_state(run)) is not None:
            return left
        handle = self._client.get_workflow_handle(run.id, run_id=run.run_id)
        try:
            return await query_state(handle, STATE_TIMEOUT)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, TimeoutError):
            return None
        except RPCError as error:
            if is_unreachable(error):
                raise
            return None

    async def left_state(self, run: RunDescription) -> dict[str, Any] | None:
        """Return the state that a failed run left in its last event; None: it left none, or did not fail. Raises as `state`."""
        return await self.state_of(run, await self._last_event(run)) if run.status is RunStatus.FAILED else None

    async def previews(self, run: RunDescription) -> dict[str, Any]:
        """Return the first items of its steps' inputs and outputs (see `runtime.interpreter.previews`); empty when no worker
        answers in time.
        """
        return await self._query(run, names.QUERY_PREVIEWS, QUERY_TIMEOUT) or {}

    async def items(self, run: RunDescription, page: ItemsPage) -> ItemsAnswer | None:
        """Return items of a run of a node; None when they are not known, no worker answers in time, or its build knows no such
        question.

        Raises:
            RPCError: Temporal does not answer.
        """
        answer = await self._query(run, names.QUERY_ITEMS, QUERY_TIMEOUT, page.model_dump())
        return ItemsAnswer.model_validate(answer) if answer else None

    async def _query(self, run: RunDescription, query: str, timeout: timedelta, *args: Any) -> dict[str, Any] | None:
        handle = self._client.get_workflow_handle(run.id, run_id=run.run_id)
        try:
            answer: dict[str, Any] = await handle.query(query, args=args, result_type=dict, rpc_timeout=timeout)
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError, TimeoutError):
            return None
        except RPCError as error:
            if is_unreachable(error):
                raise
            return None
        return answer

    async def wait(self, run: RunDescription, seconds: float) -> None:
        """Wait until the run ends, but no longer than so many seconds."""
        handle = self._client.get_workflow_handle(run.id, result_type=dict)
        with contextlib.suppress(WorkflowFailureError, TimeoutError):
            await asyncio.wait_for(handle.result(), seconds)

    async def outcome(self, run: RunDescription, *, query: bool = True) -> Outcome:
        """Return the end of a closed run, from its last event. One whose payload cannot be read has that as its error.

        Args:
            run: a closed run.
            query: of one that was closed from outside, ask a worker what it had done; that may take `QUERY_TIMEOUT`.

        Raises:
            RPCError: Temporal does not answer.
            DatabaseUnavailable: the store of its result does not answer.
        """
        outcome = await self.outcome_of(run, await self._last_event(run))
        if outcome.result is None and query and run.status in CLOSED_FROM_OUTSIDE:
            journal = await self.journal(run.id, run.run_id)
            return replace(outcome, result=None if journal is None else RunResult(journal=journal))
        return outcome

    async def _last_event(self, run: RunDescription) -> HistoryEvent:
        """Return the event that closed a run. Raise RPCError."""
        request = self._history_of(run)
        request.history_event_filter_type = HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
        answer = await self._client.workflow_service.get_workflow_execution_history(request, retry=True)
        return answer.history.events[-1]

    async def outcome_of(self, run: RunDescription, event: HistoryEvent) -> Outcome:
        """Return the end of a closed run whose last event is `event`; Temporal is not asked. Errors are as of `outcome`."""
        if event.HasField("workflow_execution_continued_as_new_event_attributes"):
            return Outcome(run.status, None, None)
        try:
            return replace(await self._decoded(run, event), event=event)
        except Exception as error:
            if is_outage(error):
                raise
            # the messages of others may quote data of the run
            message = str(error) if isinstance(error, UNREADABLE) else unreadable(error).message
            return Outcome(run.status, None, {"name": "PayloadUnreadable", "message": message}, event, error)

    async def _decoded(self, run: RunDescription, event: HistoryEvent) -> Outcome:
        converter = self.converter_of(run)
        if event.HasField("workflow_execution_completed_event_attributes"):
            payloads = event.workflow_execution_completed_event_attributes.result.payloads
            (document,) = await converter.decode(payloads, [dict])
            return Outcome(RunStatus.COMPLETED, RunResult.model_validate(document), None)
        cause: BaseException | None = None
        if event.HasField("workflow_execution_failed_event_attributes"):
            failure = deepcopy(event.workflow_execution_failed_event_attributes.failure)  # decoding replaces payloads
            del failure.application_failure_info.details.payloads[1:]  # the run's state may be large
            cause = await converter.decode_failure(failure)
        elif event.HasField("workflow_execution_terminated_event_attributes"):
            cause = TerminatedError(event.workflow_execution_terminated_event_attributes.reason)
        elif event.HasField("workflow_execution_timed_out_event_attributes"):
            cause = TemporalTimeout("Workflow timed out", type=None, last_heartbeat_details=[])
        return _failed(run, cause)

    async def state_of(self, run: RunDescription, event: HistoryEvent) -> dict[str, Any] | None:
        """Return `{state, mode}`, what a retry from a node begins with, of a failed run whose last event is `event`; None: it
        left none, or one that cannot be read.
        """
        payloads = event.workflow_execution_failed_event_attributes.failure.application_failure_info.details.payloads
        if len(payloads) < 2:  # RunResult, state
            return None
        try:
            (state,) = await self.converter_of(run).decode(payloads[1:2], [dict])
        except UNREADABLE:
            return None
        return dict(state)

    async def first_event(self, run: RunDescription) -> HistoryEvent | None:
        """Return the first event of a run, with its input; None when Temporal has no record of it (any more). Raise RPCError."""
        request = self._history_of(run)
        request.maximum_page_size = 1
        try:
            answer = await self._client.workflow_service.get_workflow_execution_history(request, retry=True)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return answer.history.events[0]

    async def speaking(self, run: RunDescription, reader: SpeakingReader) -> Speaking:
        """Return what models are saying in a run that was described just now. `reader` is the run's own."""
        return await reader.read(run, self.converter_of(run))

    def converter_of(self, run: RunDescription) -> DataConverter:
        """Return the converter for the payloads of a run."""
        context = WorkflowSerializationContext(namespace=self._client.namespace, workflow_id=run.id)
        return self._client.data_converter.with_context(context)

    def _history_of(self, run: RunDescription) -> GetWorkflowExecutionHistoryRequest:
        execution = WorkflowExecution(workflow_id=run.id, run_id=run.run_id)
        return GetWorkflowExecutionHistoryRequest(namespace=self._client.namespace, execution=execution)


def _failed(run: RunDescription, cause: BaseException | None) -> Outcome:
    if isinstance(cause, ApplicationError) and cause.details:
        result = RunResult.model_validate(cause.details[0])
        # a run that ended at its own time-out failed in Temporal's words and was cancelled in n8n's
        status = RunStatus.CANCELED if result.journal.status == "canceled" else run.status
        return Outcome(status, result, result.journal.error)
    return Outcome(run.status, None, _explain(run.status, cause))


async def query_state(handle: "WorkflowHandle[Any, Any]", timeout: timedelta | None = None) -> dict[str, Any]:
    """Return the whole state of a run: its answer to the state query, read part by part (see `TemplateWorkflow.state`).

    Raises:
        WorkflowQueryFailedError, WorkflowQueryRejectedError, RPCError: there is no answer.
    """
    text, digest = "", None
    for _ in range(MAX_STATE_PARTS):
        part: dict[str, Any]
        try:
            part = await handle.query(names.QUERY_STATE, {"at": len(text)}, result_type=dict, rpc_timeout=timeout)
        except WorkflowQueryFailedError:  # a run of an older build answers as a whole
            part = await handle.query(names.QUERY_STATE, result_type=dict, rpc_timeout=timeout)
            return part
        if digest not in (None, part["digest"]):  # the run went on: from the beginning
            text, digest = "", None
            continue
        text, digest = text + part["text"], part["digest"]
        if len(text) >= part["size"]:
            state: dict[str, Any] = loads(text.encode())
            return state
    raise WorkflowQueryFailedError("the state of the run is too large, or changes faster than it can be read")


def moment(milliseconds: float) -> datetime:
    """Return the UTC time of a journal's milliseconds since the epoch; the last one of year 9999 for later ones."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC) if milliseconds > 0 else datetime.min.replace(tzinfo=UTC)


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
