"""Requests through the tenant's egress guard."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

import httpx

from runtime.contract import NodeApiError, NodeError
from runtime.contract.capabilities import Http, HttpResponse
from runtime.hosts.temporal.capabilities.blobs import store_file
from runtime.hosts.temporal.connection_errors import connection_error
from runtime.hosts.temporal.idempotency import idempotency_key
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.egress import EgressRefused
from runtime.values.streams import LongBytes, StoredFile
from schemas.task import Task

LONG: Final = 1024 * 1024
"""Bytes of a response from which on it goes into storage, where it is a file."""
DECODED: Final = frozenset({"gzip", "deflate"})
"""Content encodings that are asked for, and taken off before anything sees the body."""
USER_AGENT: Final = "n8n"
"""The User-Agent of requests that name none: services that turn away unknown clients know this one."""
MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class WorkerHttp(Http):
    """HTTP of the task's tenant."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._task = resources, task

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
    ) -> HttpResponse:
        """Resolved once, checked, connected to what was checked."""
        tenant = self._task["meta"]["tenant"]
        headers = list(headers)
        if method.upper() in MUTATING and not any(name.lower() == "idempotency-key" for name, _ in headers):
            headers.append(("Idempotency-Key", idempotency_key(self._task, item)))
        client = await self._resources.clients.get(
            tenant, await self._resources.allow_lists.get(tenant), verify=verify, proxy=proxy, certificate=certificate
        )
        if not any(name.lower() == "user-agent" for name, _ in headers):
            headers.append(("User-Agent", USER_AGENT))
        if isinstance(content, LongBytes):
            headers.append(("Content-Length", str(len(content))))
        try:
            request = client.build_request(method, url, headers=_raw(headers), content=content, timeout=timeout)
            response = await client.send(request, stream=True, follow_redirects=follow_redirects)
            if response.headers.get("content-encoding", "").lower() == "x-gzip":
                response.headers["content-encoding"] = "gzip"
            try:
                body, stored = await self._body(response, store)
            finally:
                await response.aclose()
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except httpx.DecodingError as error:
            raise NodeError("Failed to decompress response") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise connection_error(error, url, timeout) from error
        return HttpResponse(
            status=response.status_code,
            reason=response.reason_phrase,
            headers=_headers(response),
            body=body,
            url=str(response.url),
            stored=stored,
            decoded=_is_decoded(response),
        )

    async def _body(
        self, response: httpx.Response, store: Callable[[int, Sequence[tuple[str, str]]], bool] | None
    ) -> tuple[bytes, StoredFile | None]:
        """The body, or where it is when it is long and the caller wants it stored. Raises NodeError for one that is too long."""
        pieces = response.aiter_bytes()
        first = bytearray()
        async for piece in pieces:
            first += piece
            if len(first) > LONG:
                break
        else:
            return bytes(first), None
        if store is not None and store(response.status_code, response.headers.multi_items()):
            return b"", await store_file(self._resources, self._task, _chained(bytes(first), pieces))
        limit = self._resources.settings.payload_limit
        async for piece in pieces:
            first += piece
            if len(first) > limit:
                raise NodeError(
                    f"The response is over the limit of {limit:,} bytes (TEMPOR8_PAYLOAD_LIMIT)",
                    description="Let the node put the response into a file: files may be larger, and are never held whole.",
                )
        return bytes(first), None


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _raw(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers in Latin-1, as Node sends them. Raises NodeApiError for a character beyond U+00FF."""
    try:
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    except UnicodeEncodeError as error:
        name = next(name for name, value in headers if not _is_latin_1(name + value))
        raise NodeApiError(f'Invalid character in header content ["{name}"]', http_code="ERR_INVALID_CHAR") from error


def _is_latin_1(text: str) -> bool:
    return max(map(ord, text), default=0) < _BEYOND_LATIN_1


_BEYOND_LATIN_1: Final = 0x100


def _headers(response: httpx.Response) -> list[tuple[str, str]]:
    """Headers in Latin-1, as Node reads them, without the Content-Encoding of a body that was decoded."""
    raw = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
    return [pair for pair in raw if pair[0].lower() != "content-encoding"] if _is_decoded(response) else raw


def _is_decoded(response: httpx.Response) -> bool:
    encodings = response.headers.get("content-encoding", "").split(",")
    return any(each.strip().lower() in DECODED for each in encodings)


def provide(resources: WorkerResources, task: Task) -> WorkerHttp:
    """Return the HTTP of a task."""
    return WorkerHttp(resources, task)
