"""Finds work that grows faster than its text: how long it takes on longer and longer texts.

Times are those of the thread, without the collection of garbage, and the best of three. Work is refused by a ratio: eight times
the text may take at most thirty-two times as long, where linear work takes eight and quadratic work sixty-four. A machine that
others use stretches even the time of a thread, now and then: what is refused is refused each time that it is measured.
"""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator

Work = Callable[[str], object]
Text = Callable[[int], str]
"""A text of about so many characters."""

NOTICEABLE_S = 0.004
"""Below this the clock says more about the machine than about the work."""
SHORTEST = 16
SHORT = 64
"""Characters that no work may need long for: exponential work never gets to longer ones."""
LONGEST = 2_048
FACTOR, RATIO = 8, 32
MEASUREMENTS = 4
"""All of them have to find that work grows too fast."""


def super_linear(work: Work, text: Text, longest: int = LONGEST, shortest: int = SHORTEST) -> str | None:
    """Return how the time grows with the text where it grows faster than linearly; None where it does not.

    An exception is an answer as good as another.

    Args:
        work: what is measured.
        text: what it works on.
        longest: characters of the longest text from which growth is measured.
        shortest: the same of the shortest, for work that takes its time also for a short text.
    """
    found = None
    for _ in range(MEASUREMENTS):
        if (found := _measured(work, text, longest, shortest)) is None:
            return None
    return found


def _measured(work: Work, text: Text, longest: int, shortest: int) -> str | None:
    for length in _lengths(longest, shortest):
        spent = _seconds(work, text(length))
        if spent < NOTICEABLE_S:
            continue
        if length <= SHORT:
            floor = _seconds(work, text(4))
            if spent > RATIO * max(floor, NOTICEABLE_S):
                return f"{length} characters take {spent * 1000:.1f} ms, 4 take {floor * 1000:.1f} ms"
            continue
        for factor in (2, 4, FACTOR):
            last = _seconds(work, text(factor * length))
            if last > RATIO * spent:
                return f"{length} characters take {spent * 1000:.1f} ms, {factor * length} take {last * 1000:.1f} ms"
            if factor == FACTOR // 2 and last < RATIO * spent / 4:
                return None
        return None
    return None


def _lengths(longest: int, shortest: int) -> Iterator[int]:
    length = shortest
    while length <= longest:
        yield length
        length += length // 4 if length < SHORT else length


def _seconds(work: Work, text: str) -> float:
    best, collects = float("inf"), gc.isenabled()
    gc.disable()  # what it collects is the other tests', and takes the longer the more of them there were
    try:
        for _ in range(3):
            start = time.thread_time()
            with contextlib.suppress(Exception):
                work(text)
            best = min(best, time.thread_time() - start)
            if best > 1:
                break
    finally:
        if collects:
            gc.enable()
    return best
