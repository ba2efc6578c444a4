"""The public keys of an identity provider: a JSON Web Key Set (RFC 7517), from an address or a file, kept in memory."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from runtime.platform.settings import Settings
from runtime.platform.telemetry.logging import get_logger
from schemas.errors import InfrastructureError

__all__ = ["Jwks", "JwksUnavailable", "fetch_limited"]

log = get_logger("tempor8.jwks")

FETCH_SECONDS: Final = 5.0
"""Seconds that the provider has to send its keys."""
UNREACHABLE: Final = (OSError, httpx.HTTPError, ImportError)
"""What a request to a provider raises that does not arrive: ImportError where a proxy by SOCKS lacks its package."""
SIZE_LIMIT: Final = 1024 * 1024
"""Bytes of a key set."""
REFRESH_SECONDS: Final = 300.0
"""After which a set is read again, beside what goes on."""
FRESH_SECONDS: Final = 600.0
"""For how long a set is used without asking for it again: a key that the provider withdraws is taken this long."""
UNKNOWN_KEY_SECONDS: Final = 15.0
"""Seconds between two tries to read the set because of an unknown key or an error: nobody makes us ask at their pace."""
STALE_SECONDS: Final = 86_400.0
"""For how long a set is used while the provider is away."""


class JwksUnavailable(InfrastructureError):
    """The keys of the identity provider cannot be read, so no token can be verified."""


class Jwks:
    """A key set that is read when it is needed, again when a token names a key that it lacks, and at most so often.

    Args:
        read: returns the text of the set.
        name: where from, for the log.
    """

    def __init__(self, read: Callable[[], Awaitable[bytes]], name: str) -> None:
        self._read, self._name = read, name
        self._keys: dict[str, dict[str, Any]] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failed_at: float | None = None
        """When the last try failed; None when it did not."""
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Jwks | None":
        """Return the set of the settings; None when they name none."""
        if settings.jwks_file is not None:
            path = settings.jwks_file
            return cls(lambda: asyncio.to_thread(_read_file, path), str(path))
        if settings.jwks_url is not None:
            url = settings.jwks_url
            return cls(lambda: fetch_limited(url), urlsplit(url).hostname or url)
        return None

    async def key(self, kid: str) -> dict[str, Any] | None:
        """Return the JWK with this `kid`; None when the set has none. Who has a key that may still be used does not wait for the
        provider: the set is read again beside.

        Raises:
            JwksUnavailable: the set cannot be read, and there is none from before that may still be used.
        """
        known = self._keys.get(kid)
        if known is not None and self._is_fresh(REFRESH_SECONDS):
            return known
        reading = self._read_again()
        # a set that may be out of date is used when the provider did not answer: its next try holds nobody up
        if known is not None and (self._is_fresh(FRESH_SECONDS) or (self._is_away() and self._is_fresh(STALE_SECONDS))):
            return known
        if reading is not None:
            await asyncio.shield(reading)  # one reads, the others use what it found, whoever goes away meanwhile
        if not self._is_fresh(STALE_SECONDS):
            raise JwksUnavailable(f"the keys of the identity provider ({self._name}) cannot be read")
        return self._keys.get(kid)

    def _is_fresh(self, seconds: float) -> bool:
        return self._read_at is not None and time.monotonic() - self._read_at <= seconds

    def _is_away(self) -> bool:
        """Return whether the last try failed."""
        return self._failed_at is not None

    def _read_again(self) -> "asyncio.Task[None] | None":
        """Return the reading that goes on, or begins; None so soon after the last one."""
        if self._reading is not None and not self._reading.done():
            return self._reading
        if self._tried_at is not None and time.monotonic() - self._tried_at < UNKNOWN_KEY_SECONDS:
            return None
        self._tried_at = time.monotonic()
        self._reading = asyncio.ensure_future(self._refresh())
        return self._reading

    async def _refresh(self) -> None:
        try:
            document = orjson.loads(await self._read())
            keys = document["keys"]
            found = {each["kid"]: each for each in keys if isinstance(each.get("kid"), str)}
        except (*UNREACHABLE, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("key set of the identity provider not read", source=self._name, reason=repr(error)[:200])
            self._failed_at = time.monotonic()
            return
        self._keys, self._read_at, self._failed_at = found, time.monotonic(), None


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SIZE_LIMIT)


async def fetch_limited(url: str) -> bytes:
    """Return what an address of the provider answers, of limited size and time. Raises httpx.HTTPError, TimeoutError, ValueError."""
    async with asyncio.timeout(FETCH_SECONDS):
        async with (
            httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"status {response.status_code}")
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > SIZE_LIMIT:
                    raise ValueError("the key set is too large")
            return body
