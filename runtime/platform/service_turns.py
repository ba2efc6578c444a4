"""Turns of requests at vendors that bear only so many of one credential: counted in Postgres, for all workers together.

A request takes its place in the window before it is sent. Where the database is away it is sent without: a vendor says 429 to what
is too much, and that is waited for.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from runtime.platform.postgres import Database, TenantBusy
from runtime.platform.telemetry.logging import get_logger
from schemas.errors import InfrastructureError
from schemas.request_limits import RequestLimits

__all__ = ["ServiceTurns"]

log = get_logger("tempor8.service_turns")

HOLD_SECONDS: Final = 330.0
"""Seconds after which a request under way counts as dead, longer than a request may take."""
POLL_SECONDS: Final = 0.2
"""Between two looks whether one of the requests under way has come to its end."""
_AWAY: Final = (InfrastructureError, TenantBusy)


@dataclass(frozen=True)
class _Place:
    """A place in the window: it is `taken`, or the caller comes again after the wait."""

    taken: bool
    seconds: float


class ServiceTurns:
    """Turns of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def turn(
        self, key: tuple[str, ...], limits: RequestLimits, here: float, later: Callable[[float], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Let a request out when the limits allow it.

        Args:
            key: tenant, credentials and server.
            limits: of the vendor.
            here: seconds for which it waits in this process.
            later: called with the seconds of a longer wait; it raises, or returns when they are over.
        """
        tenant, place = key[0], sha256(json.dumps(key[1:]).encode()).hexdigest()
        holder = str(uuid.uuid4())
        try:
            await self._wait(tenant, place, holder, limits, here, later)
        except _AWAY as error:
            log.warning("a request goes out without a turn", tenant=tenant, error=type(error).__name__)
            yield
            return
        try:
            yield
        finally:
            if limits.parallel is not None:
                await self._release(tenant, place, holder)

    async def _wait(
        self,
        tenant: str,
        key: str,
        holder: str,
        limits: RequestLimits,
        here: float,
        later: Callable[[float], Awaitable[None]],
    ) -> None:
        began = time.monotonic()
        while True:
            left = here - (time.monotonic() - began)
            place = await self._take(tenant, key, holder, limits, left)
            if place.taken or place.seconds <= left:
                await asyncio.sleep(place.seconds)
            else:
                await later(max(place.seconds, here))
                began = time.monotonic()
            if place.taken:
                return

    async def _take(self, tenant: str, key: str, holder: str, limits: RequestLimits, here: float) -> _Place:
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "insert into service_turns as turns (tenant_id, key) values (%s, %s)"
                " on conflict (tenant_id, key) do update set key = excluded.key returning sent, held, clock_timestamp() as now",
                (tenant, key),
            )  # the row is locked from here on
            row: Any = await cursor.fetchone()
            sent, now = row["sent"], row["now"]
            held = {each: until for each, until in row["held"].items() if until > now.timestamp()}
            if limits.parallel is not None and len(held) >= limits.parallel:
                return _Place(False, POLL_SECONDS)
            at = _free(sent, limits, now)
            seconds = (at - now).total_seconds()
            if seconds > here:
                return _Place(False, seconds)
            held |= {holder: at.timestamp() + HOLD_SECONDS} if limits.parallel is not None else {}
            await connection.execute(
                "update service_turns set sent = %s, held = %s::jsonb where tenant_id = %s and key = %s",
                ([*sent, at][-limits.requests :], json.dumps(held), tenant, key),
            )
            return _Place(True, seconds)

    async def _release(self, tenant: str, key: str, holder: str) -> None:
        try:
            async with self._database.tenant_transaction(tenant) as connection:
                await connection.execute(
                    "update service_turns set held = held - %s::text where tenant_id = %s and key = %s",
                    (holder, tenant, key),
                )
        except _AWAY as error:  # it is free when its time is over
            log.warning("a turn is not released", tenant=tenant, error=type(error).__name__)


def _free(sent: list[datetime], limits: RequestLimits, now: datetime) -> datetime:
    """Return when the next request may go out: no window of `limits.seconds` has more than `limits.requests`."""
    if len(sent) < limits.requests:
        return now
    return max(now, sent[-limits.requests] + timedelta(seconds=limits.seconds))
