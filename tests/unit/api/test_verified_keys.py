"""Verified API keys in memory: a revoked one is dropped by its notification, and soon without one."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from api.authentication import KEY_CACHE_SECONDS, UNNOTIFIED_SECONDS, Verifier
from api.problems import Unauthorized
from service.tenants import ApiKey, TenantStore

KEY = f"t8_acme_{'0' * 48}"


class Clock:
    """The clock of the cache."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class Tenants:
    """One key, until it is revoked; counts the queries."""

    def __init__(self, expires_at: datetime | None = None) -> None:
        self.key: ApiKey | None = ApiKey("1", "acme", "", datetime.now(UTC), expires_at, None)
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def verify(self, key: str) -> ApiKey | None:
        del key
        self.asked += 1
        key_then = self.key
        await self.gate.wait()
        return key_then


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still."""
    made = Clock()
    monkeypatch.setattr("api.authentication.time", made)
    return made


def verifier(tenants: Tenants) -> Verifier:
    made = Verifier(cast("TenantStore", tenants))
    made.connected = True
    return made


async def test_a_revoked_key_is_refused_as_soon_as_the_notification_comes(clock: Clock) -> None:
    """A notification about another tenant leaves it."""
    del clock
    tenants = Tenants()
    keys = verifier(tenants)
    await keys.verify(KEY)
    tenants.key = None
    keys.forget("globex")
    await keys.verify(KEY)
    assert tenants.asked == 1
    keys.forget("acme")
    with pytest.raises(Unauthorized):
        await keys.verify(KEY)


@pytest.mark.parametrize(("connected", "seconds"), [(True, KEY_CACHE_SECONDS), (False, UNNOTIFIED_SECONDS)])
async def test_a_revoked_key_is_refused_after_seconds_without_a_notification(
    clock: Clock, seconds: float, *, connected: bool
) -> None:
    """Sooner when it is known that no notification can arrive."""
    tenants = Tenants()
    keys = verifier(tenants)
    await keys.verify(KEY)
    keys.connected, tenants.key = connected, None
    clock.now += seconds - 0.1
    await keys.verify(KEY)
    clock.now += 0.2
    with pytest.raises(Unauthorized):
        await keys.verify(KEY)


async def test_a_key_is_not_remembered_beyond_its_end(clock: Clock) -> None:
    """It expires in two seconds, so it is verified again then."""
    tenants = Tenants(datetime.now(UTC) + timedelta(seconds=2))
    keys = verifier(tenants)
    await keys.verify(KEY)
    clock.now += 2.1
    tenants.key = None
    with pytest.raises(Unauthorized):
        await keys.verify(KEY)


async def test_a_query_that_began_before_a_revocation_is_not_joined_after_it(clock: Clock) -> None:
    """Its answer would let the key in for half a minute more."""
    del clock
    tenants = Tenants()
    keys = verifier(tenants)
    tenants.gate.clear()
    early = asyncio.ensure_future(keys.verify(KEY))
    await asyncio.sleep(0.01)
    tenants.key = None
    keys.forget("acme")
    late = asyncio.ensure_future(keys.verify(KEY))
    await asyncio.sleep(0.01)
    tenants.gate.set()
    await early
    with pytest.raises(Unauthorized):
        await late
    with pytest.raises(Unauthorized):
        await keys.verify(KEY)
