"""HTTP clients of tenants, within the egress guard."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Final

import httpx

from runtime.platform.egress import EgressPolicy
from runtime.platform.egress_transport import guarded_transport

__all__ = ["EgressClients", "NoCookies"]

MAX_CLIENTS: Final = 64
"""Clients that are kept; of more, those that were not used for the longest time are closed as soon as nobody uses them."""


class NoCookies(CookieJar):
    """Keeps no cookie: the session that a server begins for one request would go out with the next one's credential."""

    def extract_cookies(self, response: object, request: object) -> None:
        """See base class."""


@dataclass
class _Client:
    http: httpx.AsyncClient
    users: int = 0
    kept: bool = True


class EgressClients:
    """One httpx client per tenant and way of connecting: a connection opened for one tenant serves no other.

    Args:
        operator_allow: egress entries for every tenant.
        operator_proxy: proxy for all requests that name none.
        proxy_guards: that proxy refuses inner addresses itself, so that names are left to it.
        ports: the ports that requests may use; None: all but those of other protocols.

    Raises:
        ValueError: a malformed entry.
    """

    def __init__(
        self,
        operator_allow: Iterable[str] = (),
        operator_proxy: str | None = None,
        *,
        proxy_guards: bool = False,
        ports: frozenset[int] | None = None,
    ) -> None:
        self._allow = tuple(operator_allow)
        EgressPolicy.parse(self._allow)
        self._proxy, self._proxy_guards, self._ports = operator_proxy, proxy_guards, ports
        self._clients: OrderedDict[tuple[object, ...], _Client] = OrderedDict()
        self._salt = secrets.token_bytes(32)

    @asynccontextmanager
    async def use(
        self,
        tenant: str,
        allow: Iterable[str] = (),
        *,
        verify: bool = True,
        proxy: str | None = None,
        certificate: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Yield the client of this tenant, which stays open until then: no cookies, no proxies from the environment,
        redirects left to the caller.

        Raises:
            ValueError: a malformed entry in `allow`, a proxy that is no address, or a certificate that cannot be read.
        """
        entries = (*self._allow, *allow)
        key = (tenant, entries, verify, self._digest(proxy or ""), self._digest(*_parts(certificate)))
        client = self._clients.pop(key, None)
        if client is None:
            transport = guarded_transport(
                EgressPolicy.parse(entries, self._ports),
                verify=verify,
                proxy=proxy,
                operator_proxy=self._proxy,
                proxy_guards=self._proxy_guards,
                certificate=certificate,
            )
            client = _Client(httpx.AsyncClient(transport=transport, trust_env=False, cookies=NoCookies()))
        self._clients[key] = client
        client.users += 1
        try:
            await self._close_oldest()
            yield client.http
        finally:
            client.users -= 1
            if not client.kept and not client.users:
                await client.http.aclose()

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.http.aclose()
        self._clients.clear()

    async def _close_oldest(self) -> None:
        while len(self._clients) > MAX_CLIENTS:
            _, oldest = self._clients.popitem(last=False)
            oldest.kept = False
            if not oldest.users:
                await oldest.http.aclose()

    def _digest(self, *parts: str) -> bytes:
        """Return what tells secrets apart without being one: a private key or a proxy's password is not kept here."""
        digest = hashlib.blake2b(key=self._salt)
        for part in parts:
            text = part.encode("utf-8", "surrogatepass")
            digest.update(len(text).to_bytes(8, "big") + text)
        return digest.digest()


def _parts(certificate: Mapping[str, str] | None) -> list[str]:
    return [str(part) for pair in sorted((certificate or {}).items()) for part in pair]
