"""Requests on behalf of a tenant outside of a run: through its egress guard, to the hosts of one credential."""

from collections.abc import Callable
from typing import Final

import httpx

from runtime.contract import HttpResponse
from runtime.http.credential_hosts import Binding, CredentialHostError
from runtime.http.request import Outgoing
from runtime.platform.egress import EgressRefused, parse_ports
from runtime.platform.egress_clients import EgressClients
from runtime.platform.egress_transport import GUARD
from runtime.platform.settings import Settings

__all__ = ["SendError", "TenantSender", "egress_clients"]

TIMEOUT_SECONDS: Final = 30.0
MAX_BYTES: Final = 1024 * 1024


class SendError(Exception):
    """There is no response. The message says why, without anything of the request."""


class TenantSender:
    """Sends requests and follows no redirect.

    Args:
        clients: the HTTP clients of tenants.
        tenant: whose guard.
        allow: what the tenant opened.
        binding: where the credential may go.
    """

    def __init__(self, clients: EgressClients, tenant: str, allow: tuple[str, ...], binding: Binding) -> None:
        self._clients, self._tenant, self._allow, self._binding = clients, tenant, allow, binding

    async def __call__(self, outgoing: Outgoing) -> HttpResponse:
        """Return the response. Raise SendError."""
        guard: Callable[[str], None] = self._binding.check
        content = outgoing.content if isinstance(outgoing.content, bytes) else None
        try:
            async with self._clients.use(self._tenant, self._allow) as client:
                request = client.build_request(
                    outgoing.method, outgoing.url, headers=outgoing.headers, content=content, timeout=TIMEOUT_SECONDS
                )
                if not outgoing.bare:
                    request.extensions[GUARD] = guard
                response = await client.send(request, stream=True)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except (EgressRefused, CredentialHostError) as error:
            raise SendError(str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            host = outgoing.url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition("?")[0]
            raise SendError(f"{host or 'The address'} does not answer ({type(error).__name__})") from error
        return HttpResponse(response.status_code, response.reason_phrase, response.headers.multi_items(), body)


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise SendError(f"The response is over {MAX_BYTES:,} bytes")
    return bytes(body)


def egress_clients(settings: Settings) -> EgressClients:
    """Return the clients that the settings describe."""
    proxy = settings.egress_proxy.get_secret_value() if settings.egress_proxy else None
    return EgressClients(
        settings.egress_allow,
        proxy,
        proxy_guards=settings.egress_proxy_guards,
        ports=parse_ports(settings.egress_ports),
    )
