"""Capability: requests to the outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from runtime.values.streams import LongBytes, StoredFile
from schemas.request_limits import RequestLimits

__all__ = ["Http", "HttpResponse"]


@dataclass(frozen=True)
class HttpResponse:
    """A response. `body` is the whole body, unless `store` let a long one go straight into storage."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    url: str = ""
    stored: StoredFile | None = None
    """Where the body is, when it was too long for memory: `body` is empty then."""
    decoded: bool = False
    """Whether a Content-Encoding was taken off the body."""

    def header(self, name: str) -> str | None:
        """Return the last header of this name, any case."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name.lower()), None)


class Http(Protocol):
    """HTTP through the tenant's egress guard."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | LongBytes | None = None,
        timeout: float = 300.0,
        follow_redirects: bool = True,
        verify: bool = True,
        proxy: str | None = None,
        item: int = 0,
        certificate: Mapping[str, str] | None = None,
        store: Callable[[int, Sequence[tuple[str, str]]], bool] | None = None,
        bare: bool = False,
        wait: bool | RequestLimits = True,
    ) -> HttpResponse:
        """Send a request and return its response, also one with a status of 4xx or 5xx.

        Args:
            method: in capitals; mutating ones get an `Idempotency-Key` that is the same on every attempt.
            url: absolute.
            headers: as they go out.
            content: the body.
            timeout: seconds.
            follow_redirects: within the guard.
            verify: check the server's certificate.
            proxy: its URL.
            item: index of the input item that the request is for.
            certificate: the `httpSslAuth` credential, for servers that want a certificate of the client.
            bare: the request carries nothing of the credentials that the task opened, so that it may go to any host. Otherwise
                it goes to their hosts only, and redirects are followed on the same origin only.
            wait: where the service says how long to wait (429 or 503 with `Retry-After`), wait and send again, as far as the
                host may (decision 0068); the response with that status comes back otherwise. With limits of the vendor the
                request also waits for its turn, in the same way.
            store: whether a long body goes into storage instead of memory, by status and headers.

        Raises:
            NodeApiError: there is no response; the message is n8n's. Or a credential may not be sent there.
            NodeError: the body is over the limit.
            ServiceBusy: the step is to go on in a later attempt. Let it pass.
        """

    async def stream(
        self,
        url: str,
        *,
        method: str = "POST",
        headers: Sequence[tuple[str, str]],
        content: bytes | None,
        timeout: float,
        hear: Callable[[bytes], None],
    ) -> HttpResponse:
        """Send a request and return the response as `request` does with `wait=False`; `hear` gets the body as it comes, unless the
        status is 4xx or 5xx. `timeout`: seconds, for each piece.
        """
