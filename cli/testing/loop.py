"""One event loop and one set of capabilities per process: sandbox children are started once and not per case."""

import asyncio
import atexit
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from runtime.hosts.local.offline import OfflineCapabilities

T = TypeVar("T")


@cache
def capabilities() -> OfflineCapabilities:
    """Return this process's capabilities of offline runs."""
    return OfflineCapabilities()


@cache
def _runner() -> asyncio.Runner:
    runner = asyncio.Runner()
    atexit.register(runner.close)
    return runner


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end on this process's loop and return its result."""
    return _runner().run(work)
