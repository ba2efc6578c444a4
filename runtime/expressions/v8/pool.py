"""A pool of isolates in this process, for scripts whose cost is linear in their input.

An isolate that hit a limit is discarded: what its scripts left behind is unknown.
"""

import atexit
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from runtime.expressions.limits import OUT_OF_MEMORY, OUT_OF_TIME, ScriptLimit
from runtime.expressions.v8.binding import Context, OutOfMemory, OutOfTime, neutral, warm
from schemas.expression import FORBIDDEN_NAMES

__all__ = ["fill", "run"]

T = TypeVar("T")


def _on_plain_thread(work: Callable[[], T]) -> T:
    outcome: list[T] = []
    problem: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001  # carried over to the caller's thread
            problem.append(error)

    thread = threading.Thread(target=target, name="v8")
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return outcome[0]


class _Pool:
    """Idle isolates. Grows on demand, so a caller never waits for another one's script."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Context] = []
        self._ready = False

    def _make(self) -> Context:
        with self._lock:
            if not self._ready:
                with neutral():
                    first = _on_plain_thread(lambda: Context(FORBIDDEN_NAMES))
                    warm(first)
                self._ready = True
                return first
        return _on_plain_thread(lambda: Context(FORBIDDEN_NAMES))

    def fill(self, count: int) -> None:
        """Create isolates until `count` are idle."""
        while len(self._idle) < count:
            self._idle.append(self._make())

    @contextmanager
    def borrow(self) -> Iterator[Context]:
        """Yield an isolate for one call. Raise ScriptLimit when the call runs out of time or memory."""
        try:
            context = self._idle.pop()
        except IndexError:
            context = self._make()
        try:
            yield context
        except (OutOfTime, OutOfMemory) as error:
            _discard(context)
            raise ScriptLimit(OUT_OF_TIME if isinstance(error, OutOfTime) else OUT_OF_MEMORY) from error
        except BaseException:
            _discard(context)
            raise
        self._idle.append(context)

    def close(self) -> None:
        """Close the idle isolates. Without this the interpreter hangs at its end."""
        while self._idle:
            self._idle.pop().close()


_pool = _Pool()
atexit.register(_pool.close)
fill = _pool.fill


def _discard(context: Context) -> None:
    """Close an isolate in the background: one that does not answer must not block the caller."""
    threading.Thread(target=context.close, name="v8-close", daemon=True).start()


def run(sources: Sequence[str], request: str, seconds: float) -> str:
    """Return the kernel's response to a request, given without its `scripts`. Raise ScriptLimit."""
    with _pool.borrow() as context:
        names = json.dumps(context.define(sources))
        return context.run(f'{{"scripts":{names},{request[1:]}', seconds)
