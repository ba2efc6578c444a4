"""Read one document from outside in a child process of its own, which is killed when its time is up."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from runtime.confinement.children import ConfinedProcess, start
from runtime.confinement.limits import ChildLimits
from runtime.confinement.priority import FROM_THE_START, lower_priority
from runtime.sandbox.failures import SandboxLimitError

__all__ = ["DocumentLimitError", "Threads", "read_document"]

T = TypeVar("T")


class Threads(Protocol):
    """What is needed of a step's context: a thread of its tenant's."""

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function on a thread."""


class DocumentLimitError(SandboxLimitError):
    """A document takes more time or memory than a step may use."""


async def read_document(
    threads: Threads,
    what: str,
    module: str,
    limits: ChildLimits,
    options: Mapping[str, Any],
    data: bytes,
    seconds: float,
) -> Any:
    """Return the JSON that a child writes, which gets a line of JSON options and then the data. `what`: what an author calls the
    document.

    A child that dies of something else than its limits is followed by another one, once. Raise NodeError when the document takes
    too much time or memory, or the second child dies, too.
    """
    text = json.dumps(dict(options)).encode() + b"\n" + data
    ended: int | None = None
    for _ in range(2):
        began, reading = time.monotonic(), _Reading(module, limits, text, seconds)
        try:
            out, ended = await threads.on_thread(reading.run)
        finally:
            reading.stop()  # of a step that was cancelled, too: its thread then ends
        if out:
            return json.loads(out)
        if ended is None or time.monotonic() - began >= (limits.cpu_seconds or seconds):
            break
    else:
        raise SandboxLimitError(
            f"The process that reads the {what} ended unexpectedly", description=f"It {_ending(ended)}."
        )
    raise DocumentLimitError(f"This {what} needs more time or memory than a step may use")


class _Reading:
    """One child that reads one document."""

    def __init__(self, module: str, limits: ChildLimits, text: bytes, seconds: float) -> None:
        self._module, self._limits, self._text, self._seconds = module, limits, text, seconds
        self._child: ConfinedProcess | None = None
        self._stopped = False

    def run(self) -> tuple[bytes, int | None]:
        """Return what the child answers, and the code with which it ended; None: its time was up. Blocking."""
        child = self._child = start(self._module, limits=self._limits, environment={})
        lower_priority(child.pid, FROM_THE_START)
        try:
            if self._stopped:
                return b"", None
            out = child.communicate(self._text, self._seconds)[0]
        except subprocess.TimeoutExpired:
            return b"", None
        else:
            return out, child.returncode
        finally:
            child.end()

    def stop(self) -> None:
        """End the child; one that is about to start ends at once."""
        self._stopped = True
        if self._child is not None:
            self._child.kill()


def _ending(code: int | None) -> str:
    return f"died of {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with code {code}"
