"""The egress guard: it decides which addresses a workflow may make this service call.

A host name is resolved once, every address it has is checked, and the connection goes to exactly such an address, so
that a name which changes its answer between check and use (DNS rebinding) gains nothing. TLS and the Host header
still carry the name. A redirect opens a connection like any other, and is checked like any other. The transport is in
`egress_transport`, the clients in `egress_clients`.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

__all__ = ["EgressPolicy", "EgressRefused", "parse_ports"]

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
CLOSED_PORTS: Final = frozenset({
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111,
    113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548,
    554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665,
    6666, 6667, 6668, 6669, 6679, 6697, 10080,
    # databases, queues and remote desktops: what an HTTP request can be read as a command by
    445, 1433, 1521, 2181, 3306, 3389, 5432, 5672, 5900, 6379, 6380, 9042, 9092, 11211, 27017, 27018, 27019,
})  # fmt: skip
"""Ports of protocols that are not HTTP: the bad ports of https://fetch.spec.whatwg.org/#port-blocking, and ours."""


class EgressRefused(Exception):
    """A request to an address that this tenant may not reach. `host` is the one of the request, `address` its IP address."""

    def __init__(self, host: str, port: int, address: str, reason: str) -> None:
        target = host if address in (host, "") else f"{host} ({address})"
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
    ports: frozenset[int] | None = None
    """The ports that requests may use; None: all but CLOSED_PORTS. An entry with a port opens that port, too."""

    @classmethod
    def parse(cls, entries: Iterable[str], ports: frozenset[int] | None = None) -> Self:
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
        return cls(frozenset(hosts), tuple(networks), ports)

    def check(self, host: str, port: int, address: str) -> None:
        """Raise EgressRefused unless a connection for `host` may go to `address`."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if self._names(host, port) or any(parsed in network for network in self.networks):
            return
        for inner in _unwrapped(parsed):
            reason = _forbidden(inner)
            if reason is not None and not any(inner in network for network in self.networks):
                raise EgressRefused(host, port, address, reason)

    def check_port(self, host: str, port: int) -> None:
        """Raise EgressRefused unless an HTTP request to `host` may use this port."""
        allowed = port not in CLOSED_PORTS if self.ports is None else port in self.ports
        if not allowed and not self._names(host, port, any_port=False):
            reason = "the port is one of another protocol" if self.ports is None else "the port is not open"
            raise EgressRefused(host, port, "", reason)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of `host`, every one of them checked, in the resolver's order.

        Raises:
            EgressRefused: one of them is not allowed.
            OSError: there are none (`socket.gaierror`).
        """
        host = host.rstrip(".")
        loop = asyncio.get_running_loop()
        entries = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        for address in addresses:
            self.check(host, port, address)
        return addresses

    def _names(self, host: str, port: int, *, any_port: bool = True) -> bool:
        name = host.lower().rstrip(".")
        parents = name.split(".")
        candidates = [name, *(f"*.{'.'.join(parents[i:])}" for i in range(1, len(parents)))]
        return any(
            (candidate, each) in self.hosts
            for candidate in candidates
            for each in ((port, None) if any_port else (port,))
        )


def parse_ports(entries: Iterable[str]) -> frozenset[int] | None:
    """Return the ports of texts such as `443` and `8000-8999`; None when there are none.

    Raises:
        ValueError: one of them is neither a port nor a range of ports.
    """
    ports: set[int] = set()
    for entry in entries:
        first, dash, last = entry.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < 65536):
            raise ValueError(f"{entry!r} is neither a port nor a range of ports: 443 or 8000-8999")
        ports.update(range(int(first), int(last) + 1))
    return frozenset(ports) or None


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
