"""Child processes that wait for work, one owner's code at a time in each."""

import atexit
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final

from runtime.sandbox.child_process import ChildProcess
from runtime.sandbox.limits import CodeLimits

FOLDER: Final = Path(__file__).parents[1]
VENDOR: Final = FOLDER / "expressions" / "vendor"
MAX_BUSY_CHILDREN: Final = max(8, 4 * (os.cpu_count() or 2))
"""Children at one time. More than processors, since code may sleep or wait for its requests."""
MAX_IDLE_CHILDREN: Final = max(2, os.cpu_count() or 2)
"""Children that stay alive, and that start without delay: more cannot compute at one time."""
IDLE_CHILD_WAIT_SECONDS: Final = 0.25
"""Seconds to wait for one of them before another starts: most code is done in milliseconds, and a start costs 150 of them.
A run that takes longer is slow: nobody waits for its child, and a spare one takes its place."""


CLOSE_SECONDS: Final = 10.0
"""Seconds to wait at the end for children that are being started."""


class ChildPool:
    """Hands out children, preferring one whose context belongs to the same owner."""

    def __init__(self, limits: CodeLimits) -> None:
        self.limits = limits
        self.process = os.getpid()
        self.threads = ThreadPoolExecutor(MAX_BUSY_CHILDREN + 1, thread_name_prefix="code")
        self.takers = ThreadPoolExecutor(MAX_IDLE_CHILDREN, thread_name_prefix="code_take")
        """Apart from `threads`: waiting for a child must not block the children that work."""
        self._changed = threading.Condition()
        self._idle: list[tuple[str, ChildProcess]] = []
        self._busy = 0
        self._slow: set[ChildProcess] = set()
        """Those of the busy ones that have been so for long."""
        self._spares = 0
        """Children that are being started for whoever comes next."""

    def take(self, owner: str) -> ChildProcess:
        """Return a child for one run; block while enough others work. It must go to `give_back` or `lose`."""
        until = time.monotonic() + IDLE_CHILD_WAIT_SECONDS
        with self._changed:
            while not self._idle and self._busy - len(self._slow) + self._spares >= MAX_IDLE_CHILDREN:
                left = until - time.monotonic()
                if left <= 0 and self._busy < MAX_BUSY_CHILDREN:
                    break
                self._changed.wait(left if left > 0 else None)
            self._busy += 1
            idle = self._choose(owner)
        try:
            return idle or ChildProcess(self.limits, libraries())
        except BaseException:
            self._leave()
            raise

    def _choose(self, owner: str) -> ChildProcess | None:
        """Take out a child that waits, the owner's if there is one. Reap those that have died meanwhile."""
        for dead in [each for each in self._idle if not each[1].alive]:
            self._idle.remove(dead)
            dead[1].kill()
        if not self._idle:
            return None
        mine = (i for i, (whose, _) in reversed(list(enumerate(self._idle))) if whose == owner)
        return self._idle.pop(next(mine, len(self._idle) - 1))[1]

    def note_slow(self, child: ChildProcess) -> None:
        """Expect this child back no more, and start a spare one unless there is one."""
        with self._changed:
            self._slow.add(child)
            self._changed.notify_all()
            if self._idle or self._spares:
                return
            self._spares += 1
        self.threads.submit(self._start_spare)

    def _start_spare(self) -> None:
        try:
            spare = ChildProcess(self.limits, libraries())
        except BaseException:
            with self._changed:
                self._spares -= 1
                self._changed.notify_all()
            raise
        with self._changed:
            self._spares -= 1
            surplus = self._keep("", spare)
        _end(surplus)

    def give_back(self, owner: str, child: ChildProcess) -> None:
        """Take back a healthy child."""
        with self._changed:  # in one go: whoever waits would start another child in between
            self._leave(child)
            surplus = self._keep(owner, child)
        _end(surplus)

    def lose(self, child: ChildProcess) -> None:
        """Kill a child that is not to be trusted any more, or that is dead already."""
        child.kill()
        self._leave(child)

    def close(self) -> None:
        """Kill the children that wait, and those that are about to. Blocking."""
        with self._changed:
            self._changed.wait_for(lambda: not self._spares, CLOSE_SECONDS)
            idle, self._idle = self._idle, []
        for _, child in idle:
            child.kill()

    def _keep(self, owner: str, child: ChildProcess) -> ChildProcess | None:
        """Add a child to those that wait, and return one that is too many."""
        self._idle.append((owner, child))
        self._changed.notify_all()
        return self._idle.pop(0)[1] if len(self._idle) > MAX_IDLE_CHILDREN else None

    def _leave(self, child: ChildProcess | None = None) -> None:
        with self._changed:
            self._busy -= 1
            if child is not None:
                self._slow.discard(child)
            self._changed.notify_all()


def _end(surplus: ChildProcess | None) -> None:
    if surplus is not None:
        surplus.kill()


@cache
def libraries() -> tuple[str, ...]:
    """Return the scripts that every context loads, in order."""
    luxon = (VENDOR / "luxon.min.js").read_text(encoding="utf-8")
    return (
        *(_module(name) for name in ("base64-js", "ieee754", "buffer")),
        f"(() => {{{luxon}\nglobalThis.luxon = luxon}})()",  # a `var` could not be taken away again
        (VENDOR / "jmespath.js").read_text(encoding="utf-8"),
        *(
            (FOLDER / "expressions" / name).read_text(encoding="utf-8")
            for name in ("hashes.js", "extensions.js", "scope.js")
        ),
        (FOLDER / "sandbox" / "sandbox.js").read_text(encoding="utf-8"),
    )


def _module(name: str) -> str:
    """Return a CommonJS file as a script that puts its exports into `__modules`."""
    source = (VENDOR / f"{name}.js").read_text(encoding="utf-8")
    return (
        "globalThis.__modules ??= Object.create(null);"
        f"((module) => {{ ((exports, require) => {{{source}\n}})(module.exports, (name) => globalThis.__modules[name]);"
        f" globalThis.__modules[{name!r}] = module.exports; }})({{ exports: {{}} }})"
    )


_pools: dict[CodeLimits, ChildPool] = {}
_lock: Final = threading.Lock()


def pool_for(limits: CodeLimits) -> ChildPool:
    """Return the pool of this process for these limits."""
    with _lock:
        pool = _pools.get(limits)
        if pool is None or pool.process != os.getpid():
            pool = _pools[limits] = ChildPool(limits)
            _at_exit(pool.close)
        return pool


def _at_exit(close: Callable[[], None]) -> None:
    process = os.getpid()
    atexit.register(lambda: close() if os.getpid() == process else None)
