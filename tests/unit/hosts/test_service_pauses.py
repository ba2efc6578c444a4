"""What a request does when a service asks for a pause: inside a worker, and where it may go back to Temporal."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.common import RetryPolicy
from temporalio.testing import ActivityEnvironment

from runtime.contract import ServiceBusy
from runtime.hosts.temporal.service_pauses import FIRST, MIDWAY, Here, ServicePause, ServicePauses, waits
from runtime.http.retry_after import retry_after

NOW = 1_700_000_000.0
KEY = ("acme", "https", "api.example.com")
HEADERS = [
    ("429 with seconds", 429, "7", 7.0),
    ("503 with seconds", 503, "0", 0.0),
    ("a date", 429, "Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
    ("a date that is over", 429, "Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
    ("another status", 500, "7", None),
    ("a redirect", 301, "7", None),
    ("no number", 429, "soon", None),
    ("a negative number", 429, "-1", None),
    ("a fraction", 429, "1.5", None),
    ("another script", 429, "\u0667", None),
    ("nothing", 429, "", None),
    ("a long text", 429, "1" * 1_000, None),
    ("a year that no calendar has", 429, "Tue, 14 Nov 99999 22:13:50 GMT", None),
]


@pytest.mark.parametrize(
    ("status", "value", "seconds"), [each[1:] for each in HEADERS], ids=[each[0] for each in HEADERS]
)
def test_the_header_says_how_long_or_nothing(status: int, value: str, seconds: float | None) -> None:
    assert retry_after(status, [("Date", "x"), ("retry-AFTER", value)], NOW) == seconds


def test_without_the_header_nothing_is_waited_for() -> None:
    """So every error that was recorded from n8n stays one."""
    assert retry_after(429, [("x-ratelimit-reset", "7")], NOW) is None


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the worker waited, which it did not."""
    seconds: list[float] = []

    async def sleep(duration: float) -> None:
        seconds.append(duration)

    monkeypatch.setattr("runtime.hosts.temporal.service_pauses.sleep", sleep)
    return seconds


async def asked(pause: ServicePause, *values: str) -> list[bool | float]:
    """Return what becomes of responses with these values: whether it is sent again, or the seconds at Temporal."""
    results: list[bool | float] = []
    for value in values:
        try:
            results.append(await pause.again(429, [("Retry-After", value)]))
        except ServiceBusy as busy:
            results.append(busy.seconds)
    return results


def step(**info: Any) -> Callable[..., Any]:
    """Return `asked` inside an activity."""
    environment = ActivityEnvironment()
    given: dict[str, Any] = {"retry_policy": RetryPolicy(), "scheduled_time": datetime.now(UTC)} | info
    environment.info = dataclasses.replace(environment.info, **given)
    return lambda *arguments: environment.run(asked, *arguments)


PAUSES: list[tuple[str, Here, dict[str, Any], list[str], list[bool | float]]] = [
    ("short ones in the worker", FIRST, {}, ["1", "5"], [True, True]),
    ("a longer one at Temporal", FIRST, {}, ["6"], [6.0]),
    ("an hour at Temporal", FIRST, {}, ["3600"], [3600.0]),
    ("more than an hour is the node's error", FIRST, {}, ["3601"], [False]),
    ("short ones again and again at Temporal", FIRST, {}, ["0", "0", "0", "0"], [True, True, True, 30.0]),
    ("between pages in the worker", MIDWAY, {}, ["60", "300"], [True, True]),
    ("between pages a long one at Temporal", MIDWAY, {}, ["301"], [301.0]),
    ("delivered at most once", FIRST, {"retry_policy": RetryPolicy(maximum_attempts=1)}, ["5", "6"], [True, False]),
    ("a local activity", FIRST, {"is_local": True}, ["5", "6"], [True, False]),
    (
        "a step that is a day old", FIRST, {"scheduled_time": datetime.now(UTC) - timedelta(hours=23, minutes=30)},
        ["30", "3600"], [30.0, False],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("here", "info", "values", "results"), [each[1:] for each in PAUSES], ids=[each[0] for each in PAUSES]
)
async def test_a_pause_is_waited_for_in_its_place(
    slept: list[float], here: Here, info: dict[str, Any], values: list[str], results: list[bool | float]
) -> None:
    assert await step(**info)(ServicePause(ServicePauses(), KEY, here), *values) == results
    assert slept == [float(value) for value, result in zip(values, results, strict=True) if result is True]


async def test_what_would_change_something_twice_waits_in_the_worker(slept: list[float]) -> None:
    """For as long as between pages; a longer pause is the node's error."""

    async def never() -> bool:
        return False

    pause = ServicePause(ServicePauses(), KEY, FIRST, never)
    assert await step()(pause, "5", "60", "300", "0", "301") == [True, True, True, True, False]
    assert slept == [5.0, 60.0, 300.0, 0.0]


async def test_outside_an_activity_long_pauses_are_errors(slept: list[float]) -> None:
    """A transient run is as lost as in n8n when it waits."""
    assert await asked(ServicePause(ServicePauses(), KEY, FIRST), "5", "6") == [True, False]
    assert slept == [5.0]


async def test_what_one_request_was_told_the_next_one_waits_for(slept: list[float]) -> None:
    """With the same credential of the same tenant, to the same server; none is sent in between."""
    pauses = ServicePauses()
    assert await asked(ServicePause(pauses, KEY, FIRST), "4") == [True]
    await ServicePause(pauses, KEY, FIRST).before()
    assert slept == [4.0, pytest.approx(4.0, abs=1.0)]
    for other in (("globex", *KEY[1:]), ("acme", "api/key", *KEY[1:]), (*KEY[:2], "other.example.com")):
        await ServicePause(pauses, other, FIRST).before()
    assert len(slept) == 2


def test_the_next_attempt_comes_when_the_pause_is_over_and_not_all_at_once() -> None:
    delays = {waits(ServiceBusy(40.0)).next_retry_delay for _ in range(50)}
    seconds = [each.total_seconds() for each in delays if each is not None]
    assert len(seconds) > 40
    assert min(seconds) >= 40
    assert max(seconds) <= 44
