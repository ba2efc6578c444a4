"""Keep the worker and API processes running that belong to the embedded servers."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from runtime.platform.embedded.process import EmbeddedError, Process
from runtime.platform.telemetry.logging import get_logger

__all__ = ["Supervised"]

BACKOFF_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
HEALTHY_SECONDS: Final = 30.0
FAILED_STARTS: Final = 3
"""So often in a row, and nobody need wait for the process. It is started again all the same: what is in the way may be cleared."""

_log = get_logger(__name__)


class Supervised:
    """One command that is started again whenever it ends before `stop`.

    The delay grows with each crash, and starts over once the process has lived for 30 s.

    Args:
        name: for logs.
        arguments: of `python`, e.g. `["-m", "cli.main", "worker"]`.
        log: file for its output.
        environment: its whole environment.
    """

    def __init__(self, name: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.restarts = 0
        self._failed_starts = 0
        self._status = 0
        self._process = Process(
            name,
            [sys.executable, "-P", *arguments],  # not the modules of the folder in which it is started
            log,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,  # a run loses nothing by it, and a worker without its server must not linger
            environment=environment,
        )
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process that runs now; another one after a restart. None: none runs."""
        return self._process.pid if self._process.running else None

    @property
    def problem(self) -> EmbeddedError | None:
        """Why it does not start, with the last lines of the log; None: as far as is known, it does."""
        if self._failed_starts < FAILED_STARTS:
            return None
        return self._process.failure(f"does not start (exit code {self._status})")

    async def start(self) -> None:
        """Start the command, and restart it when it ends until `stop`."""
        await self._process.start()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        """End the command for good. Safe to call twice."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        await self._process.stop()

    def kill(self) -> None:
        """End the process with -9, as a crash would; it is restarted."""
        self._process.kill()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _keep(self) -> None:
        loop, crashes = asyncio.get_running_loop(), 0
        while True:
            started = loop.time()
            self._status = status = await self._process.wait()
            crashes = 0 if loop.time() - started > HEALTHY_SECONDS else crashes + 1
            self._failed_starts = self._failed_starts + 1 if crashes and status > 0 else 0
            delay = BACKOFF_SECONDS[min(crashes, len(BACKOFF_SECONDS)) - 1] if crashes else BACKOFF_SECONDS[0]
            _log.warning("process ended and is started again", process=self.name, status=status, seconds=delay)
            await asyncio.sleep(delay)
            await self._process.start()
            self.restarts += 1
