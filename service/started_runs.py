"""Rows of runs that have just been started, so that a list has them before the projector has seen them.

A row is written once, with others that were noted meanwhile, and is a copy of what the projector will write: when it cannot be
written, nothing is lost.
"""

import asyncio
from collections import deque
from typing import Final

from psycopg import Error

from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.telemetry.logging import get_logger
from service.execution_rows import ExecutionRow
from service.execution_store import ExecutionStore

__all__ = ["StartedRuns"]

MAX_NOTED: Final = 500
"""Rows that wait for being written. In a burst of starts the projector, which writes larger batches, brings the rest."""

log = get_logger("tempor8.started_runs")


class StartedRuns:
    """Writes the rows of runs that this process has started."""

    def __init__(self, executions: ExecutionStore) -> None:
        self._executions = executions
        self._noted: deque[ExecutionRow] = deque()
        self._writing: asyncio.Task[None] | None = None

    def note(self, row: ExecutionRow) -> None:
        """Let a row be written soon."""
        if len(self._noted) < MAX_NOTED:
            self._noted.append(row)
            self._begin()

    async def written(self) -> None:
        """Wait until every row that was noted before is written, or could not be."""
        while self._writing is not None:
            await asyncio.shield(self._writing)

    def _begin(self) -> None:
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._noted:
                rows = [self._noted.popleft() for _ in range(len(self._noted))]
                await self._executions.write_batch(rows)
        except (Error, DatabaseUnavailable) as error:
            log.warning("rows of started runs are left to the projector", error=type(error).__name__)
            self._noted.clear()
        finally:
            self._writing = None
