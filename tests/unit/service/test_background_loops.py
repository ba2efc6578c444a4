"""Background loops go on after errors and say how old their last round is."""

import asyncio

import pytest
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.temporal import TemporalUnavailable
from service import background_loops
from service.background_loops import BackgroundLoop, BackgroundLoops
from service.outages import is_outage
from tests.patience import PATIENCE


@pytest.mark.parametrize(
    "error", [ValueError("a bad row"), RuntimeError("a server is away"), AssertionError(), asyncio.CancelledError()]
)
async def test_a_loop_goes_on_after_an_error(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a round raises, the next one comes, and a complete one clears the error."""
    monkeypatch.setattr(background_loops, "MIN_PAUSE_SECONDS", 0.001)
    complete = asyncio.Event()
    rounds = 0

    async def work(loop: BackgroundLoop) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise error
        errors.append((loop.errors_in_a_row, loop.last_error))
        loop.complete_round()
        complete.set()
        await asyncio.Event().wait()

    errors: list[tuple[int, str | None]] = []
    loops = BackgroundLoops()
    loop = BackgroundLoop("projector", work, late_after=60)
    loops.start(loop)
    try:
        await asyncio.wait_for(complete.wait(), PATIENCE)
        assert errors == [(1, type(error).__name__)]
        assert (loop.errors_in_a_row, loop.last_error, loop.late) == (0, None, False)
        assert [each.name for each in loops] == ["projector"]
    finally:
        await loops.stop()


async def test_a_loop_without_a_complete_round_is_late() -> None:
    """A loop that stands still is late after its own limit."""
    loop = BackgroundLoop("collector", lambda _: asyncio.sleep(0), late_after=-1)
    assert loop.late


SERVERS_AWAY = [
    DatabaseUnavailable("Postgres"), CredentialsUnavailable("Vault"), TemporalUnavailable("Temporal"),
    RPCError("Temporal", RPCStatusCode.UNAVAILABLE, b""), RPCError("transport error", RPCStatusCode.UNKNOWN, b""),
    RPCError("shard is elsewhere", RPCStatusCode.ABORTED, b""),
]  # fmt: skip


@pytest.mark.parametrize("error", SERVERS_AWAY, ids=lambda error: type(error).__name__)
async def test_a_server_that_is_away_is_a_reason_to_wait_and_no_mistake(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line without a traceback; and nobody takes it for a fault of the row that was being written."""
    lines: list[str] = []
    monkeypatch.setattr(background_loops.log, "warning", lambda event, **_: lines.append(event))
    monkeypatch.setattr(background_loops.log, "exception", lambda event, **_: lines.append(event))

    async def work(_: BackgroundLoop) -> None:
        raise error

    loop = BackgroundLoop("sealing", work, late_after=60)
    running = asyncio.create_task(loop.run())
    await asyncio.sleep(0.05)
    running.cancel()
    assert lines == ["background loop waits"]
    assert is_outage(error)
