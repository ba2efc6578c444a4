"""Turns of requests at a vendor, counted for all workers: no window has more than the vendor bears, nor are more under way."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from runtime.platform import service_turns
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.service_turns import ServiceTurns
from runtime.platform.settings import Settings
from schemas.request_limits import RequestLimits

KEY = ("acme", "notionApi/account", "https", "api.notion.com")
LONG = ("acme", "notionApi/of a long wait", *KEY[2:])
OWN = ("acme", "notionApi/of its own", *KEY[2:])


@pytest.fixture
async def workers(
    service: Settings, keys: Keyring, database: Database, tenants: tuple[str, str]
) -> AsyncIterator[tuple[ServiceTurns, ServiceTurns]]:
    """Two workers, each with connections of its own."""
    assert tenants[0] == KEY[0]
    assert service.database_url is not None
    async with Database(service.database_url.get_secret_value(), size=4, keys=keys) as other:
        yield ServiceTurns(database), ServiceTurns(other)


async def never(seconds: float) -> None:
    """Refuse a long wait."""
    raise AssertionError(f"asked to wait {seconds} s elsewhere")


async def test_no_window_has_more_requests_than_the_vendor_bears(workers: tuple[ServiceTurns, ServiceTurns]) -> None:
    limits, sent = RequestLimits(3, 0.6), []

    async def send(worker: ServiceTurns) -> None:
        async with worker.turn(KEY, limits, 30, never):
            sent.append(time.monotonic())

    await asyncio.gather(*(send(workers[i % 2]) for i in range(9)))
    sent.sort()
    assert all(later - first > 0.55 for first, later in zip(sent, sent[3:], strict=False))
    assert sent[-1] - sent[0] < 3


async def test_no_more_are_under_way_than_the_vendor_bears(
    workers: tuple[ServiceTurns, ServiceTurns], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_turns, "POLL_SECONDS", 0.02)
    limits, under_way, most = RequestLimits(100, 1, 2), 0, 0

    async def send(worker: ServiceTurns) -> None:
        nonlocal under_way, most
        async with worker.turn(KEY, limits, 30, never):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.05)
            under_way -= 1

    await asyncio.gather(*(send(workers[i % 2]) for i in range(8)))
    assert most == 2


async def test_a_place_of_a_worker_that_died_is_free_after_a_while(
    workers: tuple[ServiceTurns, ServiceTurns], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_turns, "HOLD_SECONDS", 0.3)
    limits = RequestLimits(100, 1, 1)
    dead = workers[0].turn(KEY, limits, 5, never)
    await dead.__aenter__()  # and nothing after it
    async with workers[1].turn(KEY, limits, 5, never):
        pass


async def test_a_long_wait_is_elsewhere_and_takes_no_place(workers: tuple[ServiceTurns, ServiceTurns]) -> None:
    limits, waited = RequestLimits(1, 60), []

    async def later(seconds: float) -> None:
        waited.append(seconds)
        raise TimeoutError

    async with workers[0].turn(LONG, limits, 5, never):
        pass
    for worker in workers:
        with pytest.raises(TimeoutError):
            async with worker.turn(LONG, limits, 5, later):
                raise AssertionError("sent before its time")
    assert all(50 < each <= 60 for each in waited), waited


async def test_credentials_and_tenants_have_turns_of_their_own(
    workers: tuple[ServiceTurns, ServiceTurns], tenants: tuple[str, str]
) -> None:
    limits = RequestLimits(1, 60)
    for key in (OWN, (OWN[0], "notionApi/other", *OWN[2:]), (tenants[1], *OWN[1:])):
        async with workers[0].turn(key, limits, 1, never):
            pass


async def test_without_its_database_a_request_goes_out(keys: Keyring) -> None:
    turns = ServiceTurns(Database("postgresql://tempor8_app@127.0.0.1:9/none", size=1, keys=keys))
    async with turns.turn(KEY, RequestLimits(1, 60), 1, never):
        sent = True
    assert sent
