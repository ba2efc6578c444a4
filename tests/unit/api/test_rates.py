"""A rate is a quota per window that fills up steadily; what it remembers is bounded, and whoever shares an address goes on."""

import gc
from collections.abc import AsyncGenerator

import pytest

from api.problems import TooManyRequests
from api.rates import KNOWN_SECONDS, MAX_CALLERS, MAX_KNOWN, LookUps, Rate, Streams, network_of


class Clock:
    """Time that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_whole_window_may_be_used_at_once_and_comes_back_steadily() -> None:
    clock = Clock()
    rate = Rate("key", 2, clock)  # twenty in ten seconds
    assert [rate.take("a").remaining for _ in range(20)] == list(range(19, -1, -1))
    refused = rate.take("a")
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert refused.seconds == pytest.approx(0.5)
    clock.now += 0.5
    assert rate.take("a").allowed
    assert not rate.take("a").allowed
    clock.now += 1_000
    assert rate.take("a").remaining == 19


def test_a_caller_that_is_refused_owes_nothing_for_it() -> None:
    clock = Clock()
    rate = Rate("key", 1, clock)
    for _ in range(1_000):
        rate.take("a")
    clock.now += 1
    assert rate.take("a").allowed


def test_each_caller_has_a_quota_of_its_own() -> None:
    rate = Rate("key", 0.1, Clock())
    assert rate.take("a").allowed
    assert not rate.take("a").allowed
    assert rate.take("b").allowed


def test_no_rate_is_no_limit() -> None:
    rate = Rate("key", 0, Clock())
    assert all(rate.take("a").allowed for _ in range(100))
    assert len(rate) == 0


def test_what_is_said_is_what_the_draft_says() -> None:
    rate = Rate("key", 0.2, Clock())
    assert rate.policy == '"key";q=2;w=10'
    rate.require("a", "requests")
    rate.require("a", "requests")
    with pytest.raises(TooManyRequests) as error:
        rate.require("a", "requests")
    assert error.value.detail == "More than 2 requests in 10 seconds."
    assert error.value.headers == {
        "RateLimit-Policy": '"key";q=2;w=10',
        "RateLimit": '"key";r=0;t=5',
        "Retry-After": "5",
    }


def test_it_remembers_so_many_callers_and_no_more() -> None:
    rate, look_ups = Rate("key", 1, Clock()), LookUps(1, Clock())
    for number in range(MAX_CALLERS + 10):
        rate.take(str(number))
    for number in range(MAX_KNOWN + 10):
        look_ups.found(str(number))
    assert len(rate) == MAX_CALLERS
    assert len(look_ups) == MAX_KNOWN


def test_who_asks_for_what_is_not_there_is_bounded_and_its_neighbours_are_not() -> None:
    look_ups = LookUps(0.2, Clock())
    look_ups.found("webhook:acme")
    for _ in range(2):
        look_ups.require("203.0.113.1", "webhook:nobody")
        look_ups.missed("203.0.113.1")
    with pytest.raises(TooManyRequests):
        look_ups.require("203.0.113.1", "webhook:nobody")
    look_ups.require("203.0.113.1", "webhook:acme")
    look_ups.require("203.0.113.2", "webhook:nobody")


def test_what_was_found_counts_for_a_while_and_no_longer_once_it_is_gone() -> None:
    """A key that was revoked and a listener that has heard its call cost a query each time."""
    clock = Clock()
    look_ups = LookUps(0.1, clock)
    for thing in ("key:1", "webhook:acme"):
        look_ups.found(thing)
    look_ups.missed("203.0.113.1", "key:1")
    with pytest.raises(TooManyRequests):
        look_ups.require("203.0.113.1", "key:1")
    look_ups.require("203.0.113.1", "webhook:acme")
    clock.now += KNOWN_SECONDS
    look_ups.missed("203.0.113.1")
    with pytest.raises(TooManyRequests):
        look_ups.require("203.0.113.1", "webhook:acme")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.1", "203.0.113.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""), ("unix", "unix"),
    ],
)  # fmt: skip
def test_the_addresses_of_one_caller_are_one(address: str, expected: str) -> None:
    assert network_of(address) == expected


async def test_a_stream_counts_until_it_is_gone_read_or_not() -> None:
    async def events() -> AsyncGenerator[int]:
        yield 1

    streams = Streams(2)
    held = [events(), events()]
    for each in held:
        with streams.hold("acme") as keep:
            keep(each)
    with pytest.raises(TooManyRequests), streams.hold("acme"):
        pass
    with streams.hold("globex"):
        pass
    assert [value async for value in held[0]] == [1]
    held.clear()  # one was read to its end, one never begun
    del each
    gc.collect()
    with streams.hold("acme"), streams.hold("acme"), pytest.raises(TooManyRequests), streams.hold("acme"):
        pass


def test_a_stream_that_is_being_made_holds_a_place_and_gives_it_back_when_it_fails() -> None:
    streams = Streams(1)
    with pytest.raises(KeyError), streams.hold("acme"):
        with pytest.raises(TooManyRequests), streams.hold("acme"):
            pass
        raise KeyError
    with streams.hold("acme"):
        pass
