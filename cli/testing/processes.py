"""Run cases in parallel processes: one that takes too long or kills its process is reported, and the others still run."""

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import Any, Final, TypeVar

__all__ = ["CASE_SECONDS", "DiedError", "TooLongError", "in_processes", "limited"]

Argument = TypeVar("Argument")
Result = TypeVar("Result")
CASE_SECONDS: Final = 60.0
"""Seconds that one case may take."""
REPEAT_SECONDS: Final = 0.5
"""Seconds until the signal is raised again, where its exception was swallowed (a finaliser does so)."""


class TooLongError(BaseException):
    """A case did not end in its time. No `except Exception` on its way may take it for an error of the case."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it took more than {seconds:g} s and was stopped")


class DiedError(Exception):
    """The process that ran a case has died: memory, or a crash of native code."""

    def __init__(self) -> None:
        super().__init__("the process that ran it died")


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLongError inside after so many seconds, also out of a loop that never waits.

    Without effect where there are no interval timers, or on a thread that gets no signals.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise TooLongError(seconds)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def in_processes(
    work: Callable[[Argument], Result],
    arguments: Sequence[Argument],
    workers: int,
    on_crash: Callable[[Argument], Result],
    on_result: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Return `work(argument)` for each argument, in their order; `on_crash(argument)` for one whose process died.

    A crash does not show which case caused it, so those without a result run again, each in a process of its own.
    `on_result` is called as often as there are arguments, while the work goes on.
    """
    context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(work, each) for each in arguments]
        results: list[Result | DiedError] = []
        for future in futures:
            results.append(_result(future))
            on_result()
    for i, each in enumerate(results):
        if isinstance(each, DiedError):
            with ProcessPoolExecutor(1, mp_context=context) as alone:
                results[i] = _result(alone.submit(work, arguments[i]))
    return [
        on_crash(argument) if isinstance(each, DiedError) else each
        for argument, each in zip(arguments, results, strict=True)
    ]


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result()
    except BrokenProcessPool:
        return DiedError()
