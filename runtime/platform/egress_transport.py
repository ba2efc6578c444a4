"""httpx transports that connect only where an egress policy permits, and that ask what a request carries may go there."""

import ipaddress
import os
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

from runtime.platform.egress import EgressPolicy, EgressRefused

__all__ = ["GUARD", "CertificateError", "guarded_transport"]

GUARD: Final = "tempor8.guard"
"""The extension of a request with a function that raises unless the request may go to an address, given as a URL. It stays on
the requests that httpx makes of redirects.
"""


class CertificateError(ValueError):
    """A client certificate, its key or its authority cannot be read. The message has nothing of them."""


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
            if host == self._trusted:
                addresses = [host]
            else:
                self._policy.check_port(host, port)
                addresses = await self._policy.resolve(host, port)
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


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """A transport that asks the guard of each request, whoever made it of which redirect."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        guard: Callable[[str], None] | None = request.extensions.get(GUARD)
        if guard is not None:
            guard(str(request.url))
        return await super().handle_async_request(request)


class _ProxiedTransport(_GuardedTransport):
    """A transport through a proxy. The guard sees the proxy's address only, so the target is checked before.

    Between this check and the proxy's own look-up a name may change; only a proxy that guards can close that.
    """

    def __init__(self, policy: EgressPolicy, context: ssl.SSLContext, proxy: str, *, guards: bool) -> None:
        super().__init__(verify=context, proxy=proxy, trust_env=False)
        self._policy = policy
        self._guards = guards

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, port = request.url.host.rstrip("."), request.url.port or (443 if request.url.scheme == "https" else 80)
        self._policy.check_port(host, port)
        self._check_literal(host, port)
        if not self._guards:
            try:
                await self._policy.resolve(host, port)
            except OSError as error:
                raise httpx.ConnectError(str(error), request=request) from error
        return await super().handle_async_request(request)

    def _check_literal(self, host: str, port: int) -> None:
        try:
            address = socket.inet_ntoa(socket.inet_aton(host))  # also 127.1, 0x7f000001, 2130706433
        except OSError:
            address = "127.0.0.1" if host.lower().endswith("localhost") else host.strip("[]")
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
    proxy_guards: bool = False,
    certificate: Mapping[str, str] | None = None,
) -> httpx.AsyncHTTPTransport:
    """Return an httpx transport that connects only to addresses that `policy` permits.

    Args:
        policy: the tenant's.
        verify: check the server's certificate.
        proxy: URL of a proxy that the workflow's author names; guarded like any host, and its targets too.
        operator_proxy: URL of the operator's proxy for all requests; used when the author names none.
        proxy_guards: the operator's proxy itself refuses inner addresses, so that names are left to it.
        certificate: PEM texts `cert`, `key`, `ca`, and `passphrase`, for mutual TLS.

    Raises:
        CertificateError: one of them cannot be read.
        ValueError: a proxy that is no http or https address.
    """
    context = _tls_context(verify=verify, certificate=certificate or {})
    proxy_url = proxy or operator_proxy
    if proxy_url is None:
        transport: httpx.AsyncHTTPTransport = _GuardedTransport(verify=context, trust_env=False)
    else:
        try:
            transport = _ProxiedTransport(policy, context, proxy_url, guards=proxy_guards and proxy is None)
        except ImportError:  # httpx wants another package for SOCKS
            raise ValueError("a proxy is an http or https address; SOCKS is not supported") from None
    trusted = httpx.URL(operator_proxy).host if operator_proxy and proxy is None else None
    # httpx has no argument for httpcore's network backend; the attack table of the tests fails when this name changes
    transport._pool._network_backend = _GuardedBackend(policy, trusted=trusted)  # noqa: SLF001
    return transport


def _tls_context(*, verify: bool, certificate: Mapping[str, object]) -> ssl.SSLContext:
    """Return the TLS of a client; of its certificate the fields come as the credential has them, texts or not."""
    context = httpx.create_ssl_context(verify=verify, trust_env=True)
    texts = {name: certificate.get(name) or "" for name in ("cert", "key", "ca", "passphrase")}
    try:
        cert, key, ca, passphrase = (_text(name, value) for name, value in texts.items())
        if ca:
            # what is not ASCII stands between the blocks, where everything is a remark; OpenSSL's binding refuses it
            context.load_verify_locations(cadata=ca.encode("ascii", "replace").decode())
        if cert:
            with _file_of(f"{cert.strip()}\n{key.strip()}\n".encode()) as path:
                # a function: without one OpenSSL asks the terminal for the passphrase of a key that has one
                context.load_cert_chain(path, password=lambda: passphrase)
    except (ValueError, OSError) as error:  # SSLError is an OSError
        reason = getattr(error, "reason", None) or (str(error) if type(error) is ValueError else type(error).__name__)
        raise CertificateError(
            f"The client certificate of the credential httpSslAuth cannot be used: {reason}"
        ) from None
    return context


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"its field {name} is not a text")
    return value


@contextmanager
def _file_of(content: bytes) -> Iterator[str]:
    """Yield a path with this content: OpenSSL reads chains from files only. On Linux it is memory that no other process sees
    and that ends with this one; elsewhere a file of mode 600, deleted whatever happens inside.
    """
    if sys.platform == "linux":
        descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile("wb", suffix=".pem") as pem:
        pem.write(content)
        pem.flush()
        yield pem.name
