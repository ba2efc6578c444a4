"""One event loop and one set of services per process: sandbox children are started once and not per case."""

import asyncio
import atexit
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from runtime.hosts.local.host import OfflineServices

T = TypeVar("T")


@cache
def services() -> OfflineServices:
    """This process's services."""
    return OfflineServices()


@cache
def _runner() -> asyncio.Runner:
    runner = asyncio.Runner()
    atexit.register(runner.close)
    return runner


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on this process's loop."""
    return _runner().run(work)
