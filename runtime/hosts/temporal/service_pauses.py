"""Pauses that services ask for (429 or 503 with Retry-After): short ones are waited for in the worker, others at Temporal.

At Temporal a step holds nothing of a worker, and nothing is lost when workers die. Its next attempt goes on at the item where this
one stopped. What one step was told, other steps of the tenant in this worker know: they send nothing with the same credential to
the same server before its time.
"""

import random
import time
from asyncio import sleep
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from runtime.contract import ServiceBusy
from runtime.hosts.temporal.shares import patience
from runtime.http.retry_after import retry_after

__all__ = ["FIRST", "LONGEST_SECONDS", "MIDWAY", "STEP_SECONDS", "Here", "ServicePause", "ServicePauses", "waits"]

LONGEST_SECONDS: Final = 3_600.0
"""The longest pause that is waited for; with a longer one the response is the node's error, as in n8n."""
STEP_SECONDS: Final = 86_400.0
"""How long a step may take, with its pauses, for another one to be waited for."""
PERSISTENT_SECONDS: Final = 30.0
"""At Temporal at least, after a service has asked for short pauses again and again."""
MAX_PAUSES: Final = 10_000
"""Servers and credentials that a worker remembers."""


@dataclass(frozen=True)
class Here:
    """What a request waits for inside the worker: so many pauses, of so many seconds at most."""

    seconds: float
    times: int


FIRST: Final = Here(5.0, 3)
"""The first request of an item."""
MIDWAY: Final = Here(300.0, 60)
"""A later one, such as the next page: an attempt after it would begin again with the first one."""


async def _always() -> bool:
    return True


class ServicePauses:
    """Until when which service is left alone, in this worker."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def note(self, key: tuple[str, ...], seconds: float) -> None:
        """Note a pause that begins now. `key`: tenant, credentials and server."""
        self._until[key] = max(time.monotonic() + seconds, self._until.pop(key, 0.0))
        if len(self._until) > MAX_PAUSES:
            self._until.popitem(last=False)

    def remaining(self, key: tuple[str, ...]) -> float:
        """Return the seconds of a pause that are left."""
        left = self._until.get(key, 0.0) - time.monotonic()
        if left <= 0:
            self._until.pop(key, None)
        return max(0.0, left)


class ServicePause:
    """The pauses of one request.

    Args:
        pauses: of the worker.
        key: tenant, credentials and server.
        here: what is waited for inside the worker.
        repeatable: whether the next attempt would change nothing a second time.
    """

    def __init__(
        self,
        pauses: ServicePauses,
        key: tuple[str, ...],
        here: Here,
        repeatable: Callable[[], Awaitable[bool]] = _always,
    ) -> None:
        self._pauses, self._key, self._here, self._times = pauses, key, here, 0
        self._repeatable = repeatable

    async def before(self) -> None:
        """Wait for the end of a pause that another request was told. Raises ServiceBusy."""
        if (seconds := self._pauses.remaining(self._key)) > 0:
            await self._wait(seconds)

    async def again(self, status: int, headers: Sequence[tuple[str, str]]) -> bool:
        """Return whether the request is to be sent again, now that the pause of its response is over; False: there was none, or
        it is not waited for. Raises ServiceBusy.
        """
        seconds = retry_after(status, headers, time.time())
        if seconds is None or seconds > LONGEST_SECONDS:
            return False
        self._pauses.note(self._key, seconds)
        return await self._wait(seconds)

    async def of(self, seconds: float) -> None:
        """Wait for a turn that is so many seconds away. Raises ServiceBusy; returns at once where it is not waited for."""
        await self._wait(seconds)

    async def _wait(self, seconds: float) -> bool:
        self._times += 1
        if self._allows(self._here, seconds):
            await sleep(seconds)
            return True
        if not _may_go_back(seconds):
            return False
        if await self._repeatable():
            persistent = self._times > self._here.times
            raise ServiceBusy(max(seconds, PERSISTENT_SECONDS) if persistent else seconds)
        if not self._allows(MIDWAY, seconds):
            return False
        await sleep(seconds)
        return True

    def _allows(self, here: Here, seconds: float) -> bool:
        return seconds <= here.seconds and self._times <= here.times


def waits(busy: ServiceBusy) -> ApplicationError:
    """Return what fails an attempt, so that the next one comes when the pause is over, and not all of them at the same time."""
    spread = random.uniform(0, min(5.0, busy.seconds / 10))  # noqa: S311 - no secret
    return ApplicationError(
        str(busy),
        type=type(busy).__name__,
        next_retry_delay=timedelta(seconds=busy.seconds + spread),
        category=ApplicationErrorCategory.BENIGN,  # no warning with a traceback, and no failure in Temporal's metrics
    )


def _may_go_back(seconds: float) -> bool:
    """Return whether the running step may wait at Temporal: it is an activity that is tried again, and has the time for it."""
    if patience() is None or activity.info().is_local:
        return False
    begun = activity.info().scheduled_time
    return (datetime.now(UTC) - begun).total_seconds() + seconds <= STEP_SECONDS
