"""Which errors of reading a run set it aside, and which are a server that is away, for which everybody waits."""

from datetime import UTC, datetime
from typing import Any

import pytest

from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.storage.objects import PayloadStoreUnavailable
from schemas.kinds import RunStatus
from service.execution_rows import ExecutionRow
from service.projection.writer import RunWriter
from service.run_description import RunDescription

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = RunDescription("acme:t:1", "r", "acme", "t", "", "api", RunStatus.COMPLETED, NOW, NOW, None, None)


class Store:
    """Takes rows."""

    def __init__(self) -> None:
        self.rows: list[ExecutionRow] = []

    async def write_batch(self, rows: list[ExecutionRow]) -> None:
        """Keep them."""
        self.rows += rows


def writer(error: Exception, store: Store) -> RunWriter:
    """A writer whose builder raises."""

    class Builder:
        async def row(self, run: RunDescription, *, attempts: int, end: bytes | None = None) -> ExecutionRow:
            del run, attempts
            raise error

    nothing: Any = None
    stand_ins: tuple[Any, Any] = (store, Builder())
    return RunWriter(nothing, *stand_ins, lambda _: True)


@pytest.mark.parametrize(
    "error", [PayloadStoreUnavailable("the bucket is away"), ValueError("odd data"), TimeoutError()]
)
async def test_a_run_that_cannot_be_read_is_set_aside(error: Exception) -> None:
    """It gets a bare row with the reason and is read again; nobody else's row waits for it."""
    store = Store()
    await writer(error, store).write([(RUN, 0)])
    (row,) = store.rows
    assert row.problem is not None
    assert row.retry is not None
    assert (row.status, row.problem["cause"], row.retry.attempts) == (RunStatus.COMPLETED, type(error).__name__, 1)


async def test_postgres_that_is_away_is_waited_for() -> None:
    """Nothing is set aside: no row could be written now."""
    store = Store()
    with pytest.raises(DatabaseUnavailable):
        await writer(DatabaseUnavailable("away"), store).write([(RUN, 0)])
    assert store.rows == []
