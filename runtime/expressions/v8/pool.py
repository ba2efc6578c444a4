"""The child processes that evaluate scripts: few, started ahead of time by one thread, each with isolates of several owners."""

import atexit
import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from runtime.expressions.limits import NO_PROCESS, ScriptLimit
from runtime.expressions.v8.child_process import ChildProcess, ScriptsUnavailable

__all__ = ["ChildPool", "pools"]

CHILDREN: Final = max(2, os.cpu_count() or 2)
"""Of each pool: more cannot compute at one time."""


class ChildPool:
    """A fixed number of children, each for one request at a time.

    Args:
        size: children; they start when they are first needed, or with `start`.
        per_owner: children that may work for the same owner at one time.
    """

    def __init__(self, size: int, per_owner: int) -> None:
        self.size, self.per_owner = size, per_owner
        self._changed = threading.Condition()
        self._idle: list[ChildProcess] = []
        self._busy: Counter[str] = Counter()
        self._starting = 0
        self._failures = 0
        """Starts that have failed so far; `_problem` is why the last one did."""
        self._problem: ScriptsUnavailable | None = None
        # the system kills children when the thread that started them ends: this one never does, and starts one at a time
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="v8-start")

    @property
    def children(self) -> int:
        """How many there are, those that are being started included."""
        return len(self._idle) + self._busy.total() + self._starting

    def start(self, count: int) -> None:
        """Start children until there are so many, and wait for the first. Raises ScriptsUnavailable."""
        with self._changed:
            before = self._failures
            for _ in range(count - self.children):
                self._order()
            self._changed.wait_for(
                lambda: self._idle or self._busy.total() or self._failures > before or not self._starting
            )
            self._check(before)

    def take(self, owner: str, deadline: float) -> ChildProcess:
        """Return an idle child, one that has the owner's isolate if there is one. It must go to `give_back`.

        Raises:
            ScriptLimit: none is free before the deadline (in seconds of `time.monotonic`).
            ScriptsUnavailable: none can be started.
        """
        with self._changed:
            before = self._failures
            while True:
                if self._idle and self._busy[owner] < self.per_owner:
                    child = self._choose(owner)
                    if child is not None:
                        self._busy[owner] += 1
                        return child
                self._check(before)
                if not self._idle and self.children < self.size:
                    self._order()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ScriptLimit(NO_PROCESS)
                self._changed.wait(left)

    def give_back(self, owner: str, child: ChildProcess) -> None:
        """Take back a child; for one that has died another one starts."""
        with self._changed:
            self._busy[owner] -= 1
            if not self._busy[owner]:
                del self._busy[owner]
            if child.alive:
                self._idle.append(child)
            else:
                self._order()
            self._changed.notify_all()

    def close(self) -> None:
        """Kill the children that wait."""
        with self._changed:
            while self._idle:
                self._idle.pop().kill()

    def _choose(self, owner: str) -> ChildProcess | None:
        """Take out the best of the idle children: the owner's, else the one with the fewest isolates. Reap dead ones."""
        for child in [child for child in self._idle if not child.alive]:
            self._idle.remove(child)
            child.kill()
        chosen = next((child for child in self._idle if owner in child.scripts), None)
        if chosen is None:
            chosen = min(self._idle, key=lambda child: len(child.scripts), default=None)
        if chosen is not None:
            self._idle.remove(chosen)
        return chosen

    def _check(self, before: int) -> None:
        """Raise why a start has failed since there were so many failures; an older one says nothing about now."""
        if not self._idle and self._failures > before:
            raise ScriptsUnavailable(str(self._problem)) from self._problem

    def _order(self) -> None:
        self._starting += 1
        self._starter.submit(self._start)

    def _start(self) -> None:
        child, problem = None, None
        try:
            child = ChildProcess()
        except ScriptsUnavailable as error:
            problem = error
        except Exception as error:  # noqa: BLE001  # the caller's thread raises it
            problem = ScriptsUnavailable(f"The process for expressions does not start: {error}")
        with self._changed:
            self._starting -= 1
            if child is not None:
                self._idle.append(child)
            else:
                self._failures += 1
                self._problem = problem
            self._changed.notify_all()


class Pools:
    """The children of this process."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.shared = ChildPool(CHILDREN, CHILDREN)
        """For scripts that end soon."""
        self.apart = ChildPool(2 * CHILDREN, 2 * CHILDREN - 1)
        """For scripts that may not end. Their children are killed again and again, and nobody's warm isolates with them."""
        atexit.register(self._close)

    def _close(self) -> None:
        if os.getpid() == self.process:
            self.shared.close()
            self.apart.close()


@cache
def _of(process: int) -> Pools:
    del process  # a forked process has pools of its own
    return Pools()


def pools() -> Pools:
    """Return the pools of this process."""
    return _of(os.getpid())
