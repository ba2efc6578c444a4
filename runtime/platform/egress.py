"""The egress guard: it decides which addresses a workflow may make this service call.

A host name is resolved once, every address it has is checked, and the connection goes to exactly such an address, so
that a name which changes its answer between check and use (DNS rebinding) gains nothing. TLS and the Host header
still carry the name. A redirect opens a connection like any other, and is checked like any other.
"""

import asyncio
import ipaddress
import socket
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import httpcore
import httpx

__all__ = ["EgressClients", "EgressPolicy", "EgressRefused", "guarded_transport"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAT64: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
IPV4_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
# Internal, whatever `is_global` of this Python says: its lists follow the registries years later.
INTERNAL_NETWORKS: Final = (
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's host agent, which hands out instance secrets
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments; Oracle Cloud's metadata is in it
    ipaddress.ip_network("192.88.99.0/24"),  # relays of 6to4
    ipaddress.ip_network("fec0::/10"),  # site-local, deprecated and still routed inside
    ipaddress.ip_network("2001:db8::/32"),  # documentation
)
MAX_CLIENTS: Final = 64
"""Clients that are open at a time; one more closes the least recently used."""


class EgressRefused(Exception):
    """A request to an address that this tenant may not reach. `host` is the one of the request, `address` its IP address."""

    def __init__(self, host: str, port: int, address: str, reason: str) -> None:
        target = host if host == address else f"{host} ({address})"
        super().__init__(
            f"the request to {target}, port {port}, was refused: {reason}. An operator can open it for this tenant "
            f"with the egress entry {host}:{port} (tempor8 tenants allow)"
        )
        self.host = host
        self.port = port
        self.address = address


@dataclass(frozen=True)
class EgressPolicy:
    """The hosts and networks that are open in addition to the public internet. Build with `parse`."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = field(default=())

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Return the policy of entries: `host`, `host:port`, `*.domain:port`, `[v6]:port`, an address or a network
        (`10.1.0.0/16`).

        Raises:
            ValueError: an entry is none of these; the message names it.
        """
        hosts: set[tuple[str, int | None]] = set()
        networks: list[Network] = []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                hosts.add(_host_and_port(entry))
        return cls(frozenset(hosts), tuple(networks))

    def check(self, host: str, port: int, address: str) -> None:
        """Raise EgressRefused unless a connection for `host` may go to `address`."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if self._names(host, port) or any(parsed in network for network in self.networks):
            return
        for inner in _unwrapped(parsed):
            reason = _forbidden(inner)
            if reason is not None and not any(inner in network for network in self.networks):
                raise EgressRefused(host, port, address, reason)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of `host`, every one of them checked, in the resolver's order.

        Raises:
            EgressRefused: one of them is not allowed.
            OSError: there are none (`socket.gaierror`).
        """
        loop = asyncio.get_running_loop()
        entries = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        for address in addresses:
            self.check(host, port, address)
        return addresses

    def _names(self, host: str, port: int) -> bool:
        name = host.lower().rstrip(".")
        parents = name.split(".")
        candidates = [name, *(f"*.{'.'.join(parents[i:])}" for i in range(1, len(parents)))]
        return any((candidate, each) in self.hosts for candidate in candidates for each in (port, None))


def _host_and_port(entry: str) -> tuple[str, int | None]:
    host, colon, port = entry.rpartition(":")
    if not colon or entry.endswith("]"):
        host, port = entry, ""
    host = host.strip("[]").lower().rstrip(".")
    if not host or any(sign in host for sign in "/ @") or (port and not port.isdecimal()):
        raise ValueError(f"{entry!r} is not an egress entry: host, host:port, *.domain:port, address or network")
    return host, int(port) if port else None


def _unwrapped(address: Address) -> list[Address]:
    """Return the address and the IPv4 addresses that it embeds: mapped, compatible, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    embedded = [address.sixtofour, *(address.teredo or ())]
    if address in IPV4_COMPATIBLE or any(address in network for network in NAT64):
        embedded.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    # what NAT64 translates is as public as the address inside; the wrapper itself counts for the others only
    outer = [] if address in NAT64[0] else [address]
    return [*outer, *(inner for inner in embedded if inner is not None)]


def _forbidden(address: Address) -> str | None:
    """Return why an address is closed unless an entry opens it; None for an address of the public internet."""
    if address.is_loopback or address.is_unspecified:
        return "it is this machine"
    if address.is_link_local:
        return "it is link-local, where cloud metadata lives"
    if address.is_multicast:
        return "it is a multicast address"
    if any(address in network for network in INTERNAL_NETWORKS):
        return "it belongs to the inside of a cloud or a site"
    if address.is_reserved or not address.is_global:
        return "it is in a private or reserved network"
    return None


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network backend with the policy in front of it."""

    def __init__(self, policy: EgressPolicy, *, trusted: str | None = None) -> None:
        self._policy = policy
        self._trusted = trusted  # the operator's own proxy
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, and connect to the first address that answers."""
        try:
            addresses = [host] if host == self._trusted else await self._policy.resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        last: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raise EgressRefused: a socket file is this machine."""
        del timeout, socket_options
        raise EgressRefused(path, 0, path, "it is a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Sleep, as the base class does."""
        await self._network.sleep(seconds)


class _ProxiedTransport(httpx.AsyncHTTPTransport):
    """A transport through a proxy. The guard sees the proxy's address only, so the target is checked before."""

    def __init__(self, policy: EgressPolicy, context: ssl.SSLContext, proxy: str, *, trusted: bool) -> None:
        super().__init__(verify=context, proxy=proxy, trust_env=False)
        self._policy = policy
        self._resolve = not trusted  # behind the operator's proxy names may mean nothing here

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        if self._resolve:
            try:
                await self._policy.resolve(host, port)
            except OSError as error:
                raise httpx.ConnectError(str(error), request=request) from error
        else:
            self._check_literal(host, port)
        return await super().handle_async_request(request)

    def _check_literal(self, host: str, port: int) -> None:
        try:
            address = socket.inet_ntoa(socket.inet_aton(host))  # also 127.1, 0x7f000001, 2130706433
        except OSError:
            address = "127.0.0.1" if host.lower().rstrip(".").endswith("localhost") else host.strip("[]")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return
        self._policy.check(host, port, address)


def guarded_transport(
    policy: EgressPolicy,
    *,
    verify: bool = True,
    proxy: str | None = None,
    operator_proxy: str | None = None,
    certificate: Mapping[str, str] | None = None,
) -> httpx.AsyncHTTPTransport:
    """Return an httpx transport that connects only to addresses that `policy` permits.

    Args:
        policy: the tenant's.
        verify: check the server's certificate.
        proxy: URL of a proxy that the workflow's author names; guarded like any host, and its targets too.
        operator_proxy: URL of the operator's proxy for all requests; used when the author names none.
        certificate: PEM texts `cert`, `key`, `ca`, and `passphrase`, for mutual TLS.
    """
    context = _tls_context(verify=verify, certificate=certificate or {})
    proxy_url = proxy or operator_proxy
    if proxy_url is None:
        transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    else:
        transport = _ProxiedTransport(policy, context, proxy_url, trusted=proxy is None)
    trusted = httpx.URL(operator_proxy).host if operator_proxy and proxy is None else None
    # httpx has no argument for httpcore's network backend; the attack table of the tests fails when this name changes
    transport._pool._network_backend = _GuardedBackend(policy, trusted=trusted)  # noqa: SLF001
    return transport


def _tls_context(*, verify: bool, certificate: Mapping[str, str]) -> ssl.SSLContext:
    context = httpx.create_ssl_context(verify=verify, trust_env=True)
    if certificate.get("ca"):
        context.load_verify_locations(cadata=certificate["ca"])
    if certificate.get("cert"):
        # OpenSSL reads chains from files only: this one has mode 600 and is deleted at once
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
            pem.write(certificate["cert"].strip() + "\n" + certificate.get("key", "").strip() + "\n")
            pem.flush()
            context.load_cert_chain(pem.name, password=certificate.get("passphrase"))
    return context


class EgressClients:
    """One httpx client per tenant and way of connecting: a connection opened for one tenant serves no other.

    Args:
        operator_allow: egress entries for every tenant.
        operator_proxy: proxy for all requests that name none.

    Raises:
        ValueError: a malformed entry.
    """

    def __init__(self, operator_allow: Iterable[str] = (), operator_proxy: str | None = None) -> None:
        self._allow = tuple(operator_allow)
        EgressPolicy.parse(self._allow)
        self._proxy = operator_proxy
        self._clients: OrderedDict[tuple[object, ...], httpx.AsyncClient] = OrderedDict()

    async def get(
        self,
        tenant: str,
        allow: Iterable[str] = (),
        *,
        verify: bool = True,
        proxy: str | None = None,
        certificate: Mapping[str, str] | None = None,
    ) -> httpx.AsyncClient:
        """Return the client of this tenant: no cookies, no proxies from the environment, redirects left to the caller.

        Raises:
            ValueError: a malformed entry in `allow`.
        """
        entries = (*self._allow, *allow)
        key = (tenant, entries, verify, proxy, tuple(sorted((certificate or {}).items())))
        client = self._clients.pop(key, None)
        if client is None:
            transport = guarded_transport(
                EgressPolicy.parse(entries),
                verify=verify,
                proxy=proxy,
                operator_proxy=self._proxy,
                certificate=certificate,
            )
            client = httpx.AsyncClient(transport=transport, trust_env=False)
        self._clients[key] = client
        if len(self._clients) > MAX_CLIENTS:
            _, oldest = self._clients.popitem(last=False)
            await oldest.aclose()
        return client

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
