"""Start, await and stop one server process, on a leash so that it never outlives this process."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from runtime.platform.embedded import leash
from runtime.platform.telemetry.logging import get_logger

__all__ = ["START_SECONDS", "EmbeddedError", "Process", "accepts", "at_free_ports", "free_port", "program"]

log = get_logger(__name__)

LOCALHOST: Final = "127.0.0.1"
START_SECONDS: Final = 300.0
"""How long a process on this machine may take until it serves, of whatever kind. On an idle machine it is a second or two; one that
does five things at once is five times as slow, with a cold disk slower still. A process that has ended is not waited for."""
STILL_SECONDS: Final = 15.0
"""After so many the log says what is waited for, and again after as many."""
STOP_SECONDS: Final = 60.0
"""Until a process that was told to end is ended with -9."""
POLL_SECONDS: Final = 0.05
LISTEN_PORTS: Final = (10_240, 32_768)
"""Range of ports that neither Linux nor macOS gives to outgoing connections by default."""
PORT_ATTEMPTS: Final = 100
START_ATTEMPTS: Final = 5
IN_USE: Final = "address already in use"


class EmbeddedError(Exception):
    """An embedded server could not be started. The message has the end of its log."""


class PortTaken(EmbeddedError):
    """Another program took the port between the look and the start."""


class Process:
    """A running program whose output goes to a file.

    Args:
        name: for messages.
        command: absolute path and arguments.
        log: where its output goes (appended).
        stop_signal: ends it properly.
        death_signal: the kernel sends it when this process is killed.
        user: uid and gid to run as.
        environment: its whole environment; None: that of this process.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGKILL,
        user: tuple[int, int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._stop_signal = stop_signal
        self._death_signal = death_signal
        self._user = user
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None: it was not started."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process. Must be called on the main thread: the leash is tied to the thread that spawns."""
        as_user = ["--user", f"{self._user[0]}:{self._user[1]}"] if self._user else []
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                leash.__file__,
                *as_user,
                str(self._death_signal.value),
                str(os.getpid()),
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self._environment) if self._environment is not None else None,
            )

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit status."""
        if self._process is None:
            raise EmbeddedError(f"{self.name} was not started")
        return await self._process.wait()

    async def serves(self, look: Callable[[], Awaitable[bool]]) -> None:
        """Wait until `look` says that the process serves.

        Raises:
            EmbeddedError: it has ended, or does not serve after START_SECONDS.
        """
        clock = asyncio.get_running_loop().time
        began = said = clock()
        while not await look():
            if not self.running:
                raise self._ended()
            now = clock()
            if now - began > START_SECONDS:
                raise self.failure(f"is not ready after {START_SECONDS:.0f} s")
            if now - said > STILL_SECONDS:
                said = now
                log.warning("waiting for a process to start", process=self.name, seconds=round(now - began))
            await asyncio.sleep(POLL_SECONDS)

    def _ended(self) -> EmbeddedError:
        error = self.failure("ended at once")
        return PortTaken(str(error)) if IN_USE in str(error).lower() else error

    async def stop(self) -> None:
        """End the process properly, with -9 after a minute. Do nothing when it has ended already."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # it may end between any two lines of this
            process.send_signal(self._stop_signal)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the process with -9 now, as a crash would."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def failure(self, what: str) -> EmbeddedError:
        """Return an error with the last lines of the log; `what` is the predicate of the message, e.g. "ended at once"."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []
        tail = "\n".join(f"  {line}" for line in lines[-8:])
        return EmbeddedError(f"{self.name} {what}. The end of {self._log}:\n{tail}")


def free_port(preferred: int = 0) -> int:
    """Return `preferred` when it is free, else a port that is free now.

    Never one of those that systems give to outgoing connections: while a server is down for a moment, a client that
    connects to it could get the server's own port, and the server could not start again.
    """
    source = secrets.SystemRandom()
    for candidate in (preferred, *(source.randrange(*LISTEN_PORTS) for _ in range(PORT_ATTEMPTS))):
        if not candidate:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOCALHOST, candidate))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            return port
    raise EmbeddedError("no free port on 127.0.0.1")


async def at_free_ports(start: Callable[[], Awaitable[None]]) -> None:
    """Call `start`, which looks for free ports and starts a server there, again when another program was faster to take one.

    Raises:
        EmbeddedError: what `start` raises.
    """
    for _ in range(START_ATTEMPTS - 1):
        with contextlib.suppress(PortTaken):
            return await start()
    return await start()


async def accepts(port: int) -> bool:
    """Return whether a server accepts connections on this port of 127.0.0.1."""
    try:
        _, writer = await asyncio.open_connection(LOCALHOST, port)
    except OSError:
        return False
    writer.close()
    return True


def program(name: str, wheel: str) -> str:
    """Return the path of a program that a wheel installed in the interpreter's folder of scripts.

    Raises:
        EmbeddedError: the wheel is not installed; the message names it.
    """
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.is_file():
        raise EmbeddedError(f"{name} is missing: install the {wheel} package (extra `embedded` of tempor8)")
    return str(path)
