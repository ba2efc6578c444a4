"""Requests through the tenant's egress guard."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import httpx

from runtime.contract import NodeApiError, NodeError
from runtime.contract.capabilities import Http, HttpResponse
from runtime.hosts.temporal.capabilities.blobs import store_file
from runtime.hosts.temporal.connection_errors import connection_error
from runtime.hosts.temporal.heartbeats import progress
from runtime.hosts.temporal.idempotency import idempotency_key
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.service_pauses import FIRST, MIDWAY, ServicePause
from runtime.http.address import origin
from runtime.http.credential_hosts import Binding, CredentialHostError
from runtime.http.exchange import is_same_server
from runtime.nodes.checkpoint import DONE_KEY
from runtime.platform.egress import EgressRefused
from runtime.platform.egress_transport import GUARD, CertificateError
from runtime.values.streams import LongBytes, StoredFile
from schemas.request_limits import RequestLimits
from schemas.task import Task

LONG: Final = 1024 * 1024
"""Bytes of a response from which on it goes into storage, where it is a file."""
DECODED: Final = frozenset({"gzip", "deflate"})
"""Content encodings that are asked for, and taken off before anything sees the body."""
USER_AGENT: Final = "n8n"
"""The User-Agent of requests that name none: services that turn away unknown clients know this one."""
UNCHANGED: Final = range(400, 500)
"""Statuses of requests that have changed nothing."""
SETTLING_TRIES: Final = 30
SETTLING_SECONDS: Final = 0.1
MUTATING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class WorkerHttp(Http):
    """HTTP of the task's tenant."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._task = resources, task
        self._answered: set[tuple[int, tuple[str, str]]] = set()
        """Items, and servers that have answered their requests."""
        self._changed: set[tuple[int, tuple[str, str]]] = set()
        """The same of requests that may have changed something."""

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
        """Resolved once, checked, connected to what was checked; sent again when a pause that the service asked for is over."""
        headers = list(headers)
        if method.upper() in MUTATING and not any(name.lower() == "idempotency-key" for name, _ in headers):
            headers.append(
                ("Idempotency-Key", idempotency_key(self._task, item))
            )  # once: the same when it is sent again

        async def send() -> HttpResponse:
            return await self._send(
                method, url, headers=headers, content=content, timeout=timeout, follow_redirects=follow_redirects, verify=verify,
                proxy=proxy, item=item, certificate=certificate, bare=bare, read=partial(self._read, store=store),
            )  # fmt: skip

        server = _server(url)
        if not wait or server is None:
            return await send()
        names = [] if bare else sorted(f"{each.type}/{each.name}" for each in self._resources.opened.values())
        key = (self._task["meta"]["tenant"], *names, *server)
        # what has been fetched for an item would be fetched again: pages of a list, which no attempt would come to the end of
        midway = (item, server) in self._answered
        here = MIDWAY if midway else FIRST
        pause = ServicePause(self._resources.pauses, key, here, lambda: self._is_repeatable(server))

        async def send_in_turn() -> HttpResponse:
            if isinstance(wait, bool) or not names:
                return await send()
            counted = (*key, wait.name) if wait.name else key
            async with self._resources.turns.turn(counted, wait, here.seconds, pause.of):
                return await send()

        await pause.before()
        response = await send_in_turn()
        while await pause.again(response.status, response.headers):
            response = await send_in_turn()
        self._answered.add((item, server))
        if method.upper() in MUTATING and response.status not in UNCHANGED:
            self._changed.add((item, server))
        return response

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
        """As `request`."""
        headers = list(headers)
        if method in MUTATING and not any(name.lower() == "idempotency-key" for name, _ in headers):
            headers.append(("Idempotency-Key", idempotency_key(self._task, 0)))
        return await self._send(
            method, url, headers=headers, content=content, timeout=timeout, follow_redirects=True, verify=True, proxy=None,
            item=0, certificate=None, bare=False, read=partial(self._read, hear=hear),
        )  # fmt: skip

    async def _is_repeatable(self, server: tuple[str, str]) -> bool:
        """Return whether another attempt would send this server nothing again that may have changed something: each such item is
        done, and kept for that attempt. Items that are under way have a moment to come to their end.
        """
        for _ in range(SETTLING_TRIES):
            details = progress()
            done = details[0].get(DONE_KEY, ()) if details and isinstance(details[0], dict) else ()
            if all(str(item) in done for item, changed in self._changed if changed == server):
                return True
            await asyncio.sleep(SETTLING_SECONDS)
        return False

    async def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]],
        content: bytes | LongBytes | None,
        timeout: float,
        follow_redirects: bool,
        verify: bool,
        proxy: str | None,
        item: int,
        certificate: Mapping[str, str] | None,
        bare: bool,
        read: Callable[[httpx.Response], Awaitable[tuple[bytes, StoredFile | None]]],
    ) -> HttpResponse:
        tenant = self._task["meta"]["tenant"]
        headers = list(headers)
        if not any(name.lower() == "user-agent" for name, _ in headers):
            headers.append(("User-Agent", USER_AGENT))
        if isinstance(content, LongBytes):
            headers.append(("Content-Length", str(len(content))))
        allow = await self._resources.allow_lists.get(tenant)
        way = self._resources.clients.use(tenant, allow, verify=verify, proxy=proxy, certificate=certificate)
        try:
            async with way as client:
                request = client.build_request(method, url, headers=_raw(headers), content=content, timeout=timeout)
                if self._resources.opened and not bare:
                    request.extensions[GUARD] = self._guard(str(request.url))
                response = await client.send(request, stream=True, follow_redirects=follow_redirects)
                body, stored = await read(response)
        except CertificateError as error:
            raise NodeError(str(error), item=item) from error
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except CredentialHostError as error:
            raise NodeApiError(str(error), http_code="CREDENTIAL_HOST") from error
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

    def _guard(self, first: str) -> Callable[[str], None]:
        """The check of every address that a request with the task's credentials comes to, by a redirect too."""
        bindings = tuple(self._resources.opened.values())

        def check(url: str) -> None:
            for each in bindings:
                try:
                    each.check(url, redirected=not is_same_server(first, url))
                except CredentialHostError:
                    self._note(each, url, refused=True)
                    raise
            for each in bindings:
                self._note(each, url)

        return check

    def _note(self, binding: Binding, url: str, *, refused: bool = False) -> None:
        meta, node, host = self._task["meta"], self._task["step"]["name"], httpx.URL(url).host
        self._resources.uses.note(
            meta["tenant"], binding.type, binding.name, meta["execution_id"], node, host, refused=refused
        )

    async def _read(
        self,
        response: httpx.Response,
        store: Callable[[int, Sequence[tuple[str, str]]], bool] | None = None,
        hear: Callable[[bytes], None] | None = None,
    ) -> tuple[bytes, StoredFile | None]:
        if response.headers.get("content-encoding", "").lower() == "x-gzip":
            response.headers["content-encoding"] = "gzip"
        try:
            return await self._body(response, store, hear)
        finally:
            await response.aclose()

    async def _body(
        self,
        response: httpx.Response,
        store: Callable[[int, Sequence[tuple[str, str]]], bool] | None,
        hear: Callable[[bytes], None] | None,
    ) -> tuple[bytes, StoredFile | None]:
        """The body, or where it is when it is long and the caller wants it stored. Raises NodeError for one that is too long."""
        pieces = response.aiter_bytes()
        if hear is not None and response.status_code < 400:
            pieces = _heard(pieces, hear)
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
                    description="Ask for less at a time: a limit, or filters. Where the node can put the response into a file, let it: files "
                    "may be larger, and are never held whole.",
                )
        return bytes(first), None


def _server(url: str) -> tuple[str, str] | None:
    """Return scheme and authority; None for an address that has none, which fails when it is sent."""
    try:
        return origin(url)
    except ValueError:
        return None


async def _heard(pieces: AsyncIterator[bytes], hear: Callable[[bytes], None]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        hear(piece)
        yield piece


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
