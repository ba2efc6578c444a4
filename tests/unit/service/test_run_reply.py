"""What an error of Temporal means for a run whose caller waits for its reply."""

import asyncio

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from service.run_reply import Verdict, verdict_of
from service.shutdown import Shutdown
from tests.patience import PATIENCE


def rpc(status: RPCStatusCode, message: str = "") -> RPCError:
    """An error of the client."""
    return RPCError(message, status, b"")


VERDICTS = [
    (rpc(RPCStatusCode.FAILED_PRECONDITION, "Workflow Task in failed state."), Verdict.TASK_FAILS),
    (rpc(RPCStatusCode.UNAVAILABLE), Verdict.ASK_AGAIN),
    (rpc(RPCStatusCode.DEADLINE_EXCEEDED), Verdict.ASK_AGAIN),
    (rpc(RPCStatusCode.CANCELLED), Verdict.ASK_AGAIN),
    (rpc(RPCStatusCode.ABORTED), Verdict.ASK_AGAIN),
    (rpc(RPCStatusCode.INTERNAL), Verdict.ASK_AGAIN),
    (rpc(RPCStatusCode.UNKNOWN), Verdict.ASK_AGAIN),
    (rpc(RPCStatusCode.RESOURCE_EXHAUSTED), Verdict.ASK_AGAIN),
    (WorkflowUpdateRPCTimeoutOrCancelledError(), Verdict.ASK_AGAIN),
    (rpc(RPCStatusCode.NOT_FOUND), Verdict.GONE),
    (WorkflowAlreadyStartedError("a:b:c", "b"), Verdict.ENDED),
    (WorkflowUpdateFailedError(ApplicationError("cancelled")), Verdict.NO_REPLY),
    (rpc(RPCStatusCode.INVALID_ARGUMENT), Verdict.REFUSED),
    (rpc(RPCStatusCode.PERMISSION_DENIED), Verdict.REFUSED),
    (ValueError("ours"), Verdict.REFUSED),
]


@pytest.mark.parametrize(("error", "verdict"), VERDICTS, ids=[f"{type(e).__name__}-{v.name}" for e, v in VERDICTS])
def test_each_error_of_an_update_has_one_meaning(error: Exception, verdict: Verdict) -> None:
    """Only what asking again cannot change is raised to the caller."""
    assert verdict_of(error) is verdict


def test_every_status_of_grpc_has_a_verdict() -> None:
    """A status that nobody thought of is a mistake of the service, not a reason to hang."""
    assert all(verdict_of(rpc(status)) in Verdict for status in RPCStatusCode)


async def test_a_shutdown_ends_streams_at_once_and_waits_after_the_grace() -> None:
    """A second signal does not wait for the grace."""
    shutdown = Shutdown()
    assert not await shutdown.wait(0)
    expiry = shutdown.expiry
    shutdown.request(60)
    assert await shutdown.wait(0.01)
    assert not shutdown.expired
    shutdown.request(60)
    await asyncio.wait_for(expiry, PATIENCE)
    assert shutdown.expired
