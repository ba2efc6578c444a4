"""How often somebody may ask, in memory and per process: behind N processes a caller has up to N times as much.

A rate is a quota per window of ten seconds that fills up steadily (GCRA): a burst may use a whole window at once.
"""

import contextlib
import ipaddress
import math
import time
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.authentication import Principal, is_public, secret_of
from api.problems import TooManyRequests, Unauthorized
from runtime.platform.settings import Settings

__all__ = ["LookUpRates", "LookUps", "Rate", "Rates", "RequestRates", "Streams", "rate_headers"]

WINDOW_SECONDS: Final = 10
MAX_CALLERS: Final = 50_000
"""Whose use a rate remembers; those who asked longest ago are forgotten first."""
MAX_KNOWN: Final = 10_000
"""Keys and tenants that were found lately, and are looked up again whoever asks."""
KNOWN_SECONDS: Final = 300.0
"""How long that is."""
STATE: Final = "rate_limit"
"""Where a request's headers about its rates wait for its answer, in the state of the scope."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a caller has left of a quota."""

    allowed: bool
    remaining: int
    seconds: float
    """Until one more is allowed, or else until the quota is whole again."""


class Rate:
    """A quota for each caller of a kind.

    Args:
        name: of the policy, as headers have it.
        per_second: how many; 0: any number.
    """

    def __init__(self, name: str, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.quota = name, max(1, math.ceil(per_second * WINDOW_SECONDS))
        self.unlimited = per_second <= 0
        self._interval, self._clock = WINDOW_SECONDS / self.quota, clock
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """Caller -> when its quota is whole again; the last one who asked is last."""

    def __len__(self) -> int:
        return len(self._full_at)

    @property
    def policy(self) -> str:
        """Return the member of a RateLimit-Policy header."""
        return f'"{self.name}";q={self.quota};w={WINDOW_SECONDS}'

    def look(self, caller: str) -> Use:
        """Return what the caller has left, without taking of it."""
        owed = max(0.0, self._full_at.get(caller, 0.0) - self._clock())
        remaining = self.quota - math.ceil(owed / self._interval - 1e-9)
        if self.unlimited or remaining >= 1:
            return Use(allowed=True, remaining=max(0, remaining), seconds=owed)
        return Use(allowed=False, remaining=0, seconds=owed - WINDOW_SECONDS + self._interval)

    def take(self, caller: str) -> Use:
        """Take one of the caller's quota, where it is allowed, and return what is left."""
        use = self.look(caller)
        if self.unlimited or not use.allowed:
            return use
        full_at = max(self._full_at.get(caller, 0.0), self._clock()) + self._interval
        self._full_at[caller] = full_at
        self._full_at.move_to_end(caller)
        if len(self._full_at) > MAX_CALLERS:
            self._full_at.popitem(last=False)
        return Use(allowed=True, remaining=use.remaining - 1, seconds=use.seconds + self._interval)

    def check(self, caller: str, what: str) -> None:
        """Raise TooManyRequests: the caller has nothing left; `what` says of what. Nothing is taken."""
        use = self.look(caller)
        if not use.allowed:
            headers = _headers([(self, use)]) | {"Retry-After": str(math.ceil(use.seconds))}
            raise TooManyRequests(f"More than {self.quota:,} {what} in {WINDOW_SECONDS} seconds.", headers=headers)

    def require(self, caller: str, what: str) -> Use:
        """Take one of the caller's quota. Raises as `check` does."""
        self.check(caller, what)
        return self.take(caller)


class Streams:
    """Streams of events that are open, with a limit per tenant."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()

    @contextlib.contextmanager
    def hold(self, tenant: str) -> Iterator[Callable[[Any], None]]:
        """Hold a place while a stream is made, however long that takes.

        Yields:
            A function that takes the stream: the place is held until nothing refers to it any more: it was read to its end, left, or
            never begun. Without a stream it is free at the end.

        Raises:
            TooManyRequests: the tenant has as many open as it may.
        """
        if self._limit and self._open[tenant] >= self._limit:
            raise TooManyRequests(
                f"The tenant has {self._limit:,} event streams open (TEMPOR8_STREAMS). Close one, or listen to fewer runs.",
                headers={"Retry-After": "5"},
            )
        self._open[tenant] += 1
        held = True

        def keep(stream: Any) -> None:
            nonlocal held
            held = False
            weakref.finalize(stream, self._close, tenant).atexit = False

        try:
            yield keep
        finally:
            if held:
                self._close(tenant)

    def _close(self, tenant: str) -> None:
        self._open[tenant] -= 1
        if not self._open[tenant]:
            del self._open[tenant]


class LookUps:
    """Questions for things that were not there, by the address that asks: wrong keys, webhooks of nobody.

    Each costs a query. What was found lately is looked up whatever else the address asked, so that whoever shares an address with
    a guesser (a proxy, an office) goes on.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = Rate("unknown", per_second, clock), clock
        self._known: OrderedDict[str, float] = OrderedDict()
        """Thing -> until when it counts as known."""

    def __len__(self) -> int:
        return len(self._known)

    def require(self, address: str, thing: str) -> None:
        """Raise TooManyRequests: the address has asked for too much that is not there, and this was not found lately."""
        if self._known.get(thing, 0.0) <= self._clock():
            self._rate.check(network_of(address), "requests for what is not there")

    def missed(self, address: str, thing: str | None = None) -> None:
        """Count a question for something that is not there. `thing`: it is gone, though it may have been found lately."""
        self._rate.take(network_of(address))
        if thing is not None:
            self._known.pop(thing, None)

    def found(self, thing: str) -> None:
        """Remember what is there."""
        self._known[thing] = self._clock() + KNOWN_SECONDS
        self._known.move_to_end(thing)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


class Rates:
    """Every limit of a process."""

    def __init__(self, settings: Settings) -> None:
        self.key = Rate("key", settings.key_rate)
        self.tenant = Rate("tenant", settings.tenant_rate)
        self.starts = Rate("starts", settings.start_rate)
        self.streams = Streams(settings.streams)
        self.look_ups = LookUps(settings.unknown_rate)

    def require_start(self, tenant: str) -> None:
        """Count a start of a run. Raises TooManyRequests."""
        self.starts.require(tenant, "starts of runs")


class LookUpRates(ASGIMiddleware):
    """Bounds wrong keys; around `Authentication`."""

    def __init__(self, look_ups: LookUps) -> None:
        self._look_ups = look_ups

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on, and note whether its key was one."""
        if scope["type"] != ScopeType.HTTP or is_public(scope):
            await next_app(scope, receive, send)
            return
        client = scope.get("client")
        address = client[0] if client else ""
        key = _name_of_key(scope)
        self._look_ups.require(address, key)
        try:
            await next_app(scope, receive, send)
        except Unauthorized:
            self._look_ups.missed(address, key)
            raise


class RequestRates(ASGIMiddleware):
    """Bounds the requests of a key and of its tenant; inside of `Authentication`."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count a request with a verified key, and pass it on. Raises TooManyRequests."""
        caller = scope.get("user")
        if isinstance(caller, Principal):
            rates = self._rates
            rates.look_ups.found(_name_of_key(scope))
            callers = [(rates.tenant, caller.tenant), (rates.key, f"{caller.tenant}:{caller.key}")]
            for rate, name in reversed(callers):  # what one of them refuses takes nothing of the other
                rate.check(name, f"requests with this {rate.name}")
            uses = [(rate, rate.take(name)) for rate, name in callers]
            scope["state"][STATE] = _headers(uses)
        await next_app(scope, receive, send)


async def rate_headers(message: Message, scope: Scope) -> None:
    """Add what a caller has left to its answer: a hook for every message that is sent."""
    if message["type"] == "http.response.start" and (headers := scope.get("state", {}).get(STATE)):
        lines: list[Any] = list(message.get("headers") or ())
        if not any(name.lower() == b"ratelimit" for name, _ in lines):
            message["headers"] = lines + [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the network that one caller has to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _name_of_key(scope: Scope) -> str:
    """Return what stands for the secret of a request; its hash is random per process. Raise Unauthorized: it has none."""
    connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
    return f"key:{hash(secret_of(connection))}"


def _headers(uses: list[tuple[Rate, Use]]) -> dict[str, str]:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers for these quotas."""
    limited = [(rate, use) for rate, use in uses if not rate.unlimited]
    if not limited:
        return {}
    return {
        "RateLimit-Policy": ", ".join(rate.policy for rate, _ in limited),
        "RateLimit": ", ".join(f'"{rate.name}";r={use.remaining};t={math.ceil(use.seconds)}' for rate, use in limited),
    }
