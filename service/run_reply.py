"""A run's reply to its caller: attach to the run until it is there, and one place that says what an error means meanwhile."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from temporalio.api.enums.v1 import PendingWorkflowTaskState
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from schemas import names
from schemas.run import RunReply, RunResult
from service.errors import ReplyPendingError
from service.outages import TRANSIENT
from service.run_problems.finder import missing_workers
from service.run_reader import query_state
from service.shutdown import Shutdown
from service.worker_presence import WorkerPresence

__all__ = [
    "NO_WORKER",
    "TEMPORAL_AWAY",
    "ReplyTimeouts",
    "ReplyWaiter",
    "Verdict",
    "update_id",
    "verdict_of",
]

CONTINUE_AS_NEW_SECONDS: Final = 0.05
"""Seconds to wait while a run continues as new."""
PAUSE_SECONDS: Final = 0.5
"""Seconds between two attempts to attach after an error."""
LOOK_SECONDS: Final = timedelta(seconds=3)
"""How long a description or the state of a run may take."""

NO_WORKER: Final = (
    "No worker answers for the run. Start one with `tempor8 worker`; `/health` says whether one is missing."
)
TASK_FAILS: Final = "The run's workflow task fails and is tried again; its status shows why."
SLOW: Final = "The run has not replied within the time that a request may take (TEMPOR8_REPLY_TIMEOUT)."
SHUTDOWN: Final = "This server is being stopped; the run goes on."
TEMPORAL_AWAY: Final = "Temporal does not answer, so it is not known how far the run is, or whether it has begun."


class Verdict(StrEnum):
    """What an error of a start or an update means for the run."""

    ASK_AGAIN = "ask again"
    """A server or a connection was away for a moment: the run, if it has begun, goes on."""
    TASK_FAILS = "task fails"
    """The run has begun, and its workflow task fails: a mended build resolves it."""
    GONE = "gone"
    """The run has ended, or it continued as new just then."""
    ENDED = "ended"
    """An earlier request with the same key started the run, and it has ended."""
    NO_REPLY = "no reply"
    """The run was cancelled or terminated while its caller waited; or it refused a resume link."""
    REFUSED = "refused"
    """A mistake of the request or of the service: nothing is gained by asking again."""


BY_STATUS: Final = {
    **dict.fromkeys(TRANSIENT, Verdict.ASK_AGAIN),
    RPCStatusCode.RESOURCE_EXHAUSTED: Verdict.ASK_AGAIN,
    RPCStatusCode.FAILED_PRECONDITION: Verdict.TASK_FAILS,  # "Workflow Task in failed state"
    RPCStatusCode.NOT_FOUND: Verdict.GONE,
}


def verdict_of(error: BaseException) -> Verdict:
    """Return what an error of a start or an update means for the run."""
    if isinstance(error, WorkflowAlreadyStartedError):
        return Verdict.ENDED
    if isinstance(error, WorkflowUpdateFailedError):
        return Verdict.NO_REPLY
    if isinstance(error, WorkflowUpdateRPCTimeoutOrCancelledError):
        return Verdict.ASK_AGAIN
    if isinstance(error, RPCError):
        return BY_STATUS.get(error.status, Verdict.REFUSED)
    return Verdict.REFUSED


@dataclass(frozen=True)
class ReplyTimeouts:
    """Seconds that a caller waits: for the `reply` of a run that goes on, for a `worker` that takes a run or mends it."""

    reply: float = 300.0
    worker: float = 20.0


Ask = Callable[[], Awaitable[dict[str, Any]]]
"""Starts, updates or attaches; the same call again changes nothing. Returns a `RunReply` as JSON."""


class ReplyWaiter:
    """Waits for replies, in this process, until the run has one, cannot have one, or the caller's time is over."""

    def __init__(
        self, client: Client, timeouts: ReplyTimeouts, shutdown: Shutdown, presence: WorkerPresence | None = None
    ) -> None:
        self._client, self._timeouts, self._shutdown, self._presence = client, timeouts, shutdown, presence

    async def wait(self, workflow_id: str, mode: str, ask: Ask, *, refusable: bool = False) -> RunReply:
        """Return the run's reply.

        Args:
            workflow_id: of the run.
            mode: onReceived, lastNode or responseNode.
            ask: the first call, and the next one while nobody knows whether the run has begun.
            refusable: raise WorkflowUpdateFailedError when the run refuses the call, instead of an empty reply.

        Raises:
            ReplyPendingError: the run has begun (or may have), and has no reply in time.
            RPCError: Temporal does not answer, and the run has not begun; or it refuses the request.
        """
        return await _Wait(
            self, self._client, self._timeouts, self._shutdown, workflow_id, mode, ask, refusable
        ).reply()

    async def attach(self, workflow_id: str, mode: str) -> RunReply:
        """Return the reply of a run that has begun. Raises as `wait`."""
        handle: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(workflow_id)
        return await self.wait(workflow_id, mode, lambda: ask_for_reply(handle, mode))

    async def problem(self, run: WorkflowExecutionDescription) -> str | None:
        """Return why a run does not go on at the moment; None: nothing is known to be wrong, workers may be busy."""
        task = run.raw_description.pending_workflow_task
        if run.status is not WorkflowExecutionStatus.RUNNING or not task.attempt:
            return None
        if task.attempt > 1:
            return TASK_FAILS
        if task.state != PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED:
            return None
        if self._presence is None:
            return NO_WORKER
        try:
            missing = await missing_workers(self._presence, run.raw_description)
        except RPCError:
            return TEMPORAL_AWAY
        return None if missing is None else str(missing)

    async def has_begun(self, workflow_id: str) -> bool | None:
        """Return whether there is such a run; None when Temporal does not answer."""
        try:
            await self._client.get_workflow_handle(workflow_id).describe(rpc_timeout=LOOK_SECONDS)
        except RPCError as error:
            return False if error.status is RPCStatusCode.NOT_FOUND else None
        return True


def update_id(mode: str) -> str:
    """Return the id of the update that asks for the reply: one per run, however many callers attach."""
    return f"reply:{mode}"


async def ask_for_reply(handle: "WorkflowHandle[Any, Any]", mode: str) -> dict[str, Any]:
    """Attach to a run that has begun."""
    reply: dict[str, Any] = await handle.execute_update(
        names.UPDATE_WEBHOOK, mode, result_type=dict, id=update_id(mode)
    )
    return reply


class _Wait:
    """One caller's wait."""

    def __init__(
        self, waiter: ReplyWaiter, client: Client, timeouts: ReplyTimeouts, shutdown: Shutdown, workflow_id: str, mode: str, ask: Ask, refusable: bool
    ) -> None:  # fmt: skip
        self._timeouts, self._shutdown, self._id, self._mode = timeouts, shutdown, workflow_id, mode
        self._handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(workflow_id)
        self._ask, self._refusable, self._waiter = ask, refusable, waiter
        self._clock = asyncio.get_running_loop().time
        self._until = self._clock() + timeouts.reply
        self._mended_until: float | None = None
        """Until when an error may pass; None: there is none."""

    async def reply(self) -> RunReply:
        """See `ReplyWaiter.wait`."""
        while True:
            try:
                reply = RunReply.model_validate(await self._call())
            except Exception as error:  # noqa: BLE001  # every kind has its verdict; REFUSED raises it again
                ended = await self._after(error)
                if ended is not None:
                    return ended
                continue
            if not reply.moved:
                return reply
            self._mended_until = None
            self._ask, self._refusable = self._attach, False
            await asyncio.sleep(CONTINUE_AS_NEW_SECONDS)

    async def _attach(self) -> dict[str, Any]:
        return await ask_for_reply(self._handle, self._mode)

    async def _call(self) -> dict[str, Any]:
        """Return what the call returns; look every now and then whether it still makes sense to wait."""
        call = asyncio.ensure_future(self._ask())
        either: set[asyncio.Future[Any]] = {call, self._shutdown.expiry}
        try:
            while True:
                seconds = min(self._timeouts.worker, self._until - self._clock())
                await asyncio.wait(either, timeout=max(seconds, 0.01), return_when=asyncio.FIRST_COMPLETED)
                if call.done():
                    return call.result()
                if self._shutdown.expired:
                    raise ReplyPendingError(self._id, SHUTDOWN)
                if (reason := await self._problem()) is not None or self._clock() >= self._until:
                    raise ReplyPendingError(self._id, reason or SLOW)
        finally:
            if not call.done():
                call.add_done_callback(_retrieve)
                call.cancel()

    async def _after(self, error: Exception) -> RunReply | None:
        """Return the reply of a run that has ended; None: ask again. Raises what the caller must know."""
        verdict = verdict_of(error)
        first = self._refusable and self._mended_until is None
        if verdict is Verdict.REFUSED or (first and verdict is Verdict.NO_REPLY):
            raise error
        if verdict is Verdict.NO_REPLY:  # the run was cancelled or terminated while its caller waited
            return RunReply()
        if verdict is Verdict.ENDED:
            return await self._of_ended()
        if verdict is Verdict.GONE:
            run = await self._describe()
            if run is not None and run.status is not WorkflowExecutionStatus.RUNNING:
                if first:
                    raise error
                return await self._of_ended()
        await self._pause(error, verdict)
        return None

    async def _pause(self, error: Exception, verdict: Verdict) -> None:
        """Wait before the next attempt. Raises when the error has lasted for too long."""
        if verdict is Verdict.GONE:  # it continued as new just then
            await asyncio.sleep(CONTINUE_AS_NEW_SECONDS)
            self._ask = self._ask if self._refusable else self._attach
            return
        if self._mended_until is None:
            self._mended_until = min(self._clock() + self._timeouts.worker, self._until)
        if self._shutdown.expired:
            raise ReplyPendingError(self._id, SHUTDOWN) from error
        if self._clock() >= self._mended_until:
            raise await self._pending(error, verdict) from error
        await asyncio.sleep(PAUSE_SECONDS)

    async def _pending(self, error: Exception, verdict: Verdict) -> Exception:
        """Return what to tell the caller whose time is over: the error itself, where the run has certainly not begun."""
        if verdict is Verdict.TASK_FAILS:
            return ReplyPendingError(self._id, TASK_FAILS)
        try:
            run = await self._handle.describe(rpc_timeout=LOOK_SECONDS)
        except RPCError as away:
            if away.status is RPCStatusCode.NOT_FOUND:
                return error
            return ReplyPendingError(self._id, TEMPORAL_AWAY)
        return ReplyPendingError(self._id, await self._waiter.problem(run) or SLOW)

    async def _describe(self) -> WorkflowExecutionDescription | None:
        with contextlib.suppress(RPCError, RuntimeError):
            return await self._handle.describe(rpc_timeout=LOOK_SECONDS)
        return None

    async def _problem(self) -> str | None:
        run = await self._describe()
        return TEMPORAL_AWAY if run is None else await self._waiter.problem(run)

    async def _of_ended(self) -> RunReply:
        """Return the reply of a run that has ended: from a worker, or without one where its result is the reply."""
        try:
            state = await query_state(self._handle, LOOK_SECONDS)
        except (RPCError, WorkflowQueryFailedError) as error:
            if self._mode != "lastNode":
                raise ReplyPendingError(self._id, NO_WORKER) from error
            return await self._of_result()
        response = state.get("response")
        return RunReply(response=response, finished=None if response else state.get("result"))

    async def _of_result(self) -> RunReply:
        try:
            return RunReply(finished=RunResult.model_validate(await self._handle.result(rpc_timeout=LOOK_SECONDS)))
        except WorkflowFailureError:
            return RunReply()


def _retrieve(call: "asyncio.Future[Any]") -> None:
    """Read the error of a call that nobody waits for any more, or asyncio logs it."""
    if not call.cancelled():
        call.exception()
