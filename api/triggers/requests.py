"""Reading a request: its body, its files, and the item that a run gets of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import qs_codec
from litestar.types import HTTPScope, Receive

from api.dependencies import Dependencies
from api.problems import TooLarge
from api.triggers.bodies import Body, decompress, parse_body
from api.triggers.responses import inline_bytes, refusal
from runtime.platform.telemetry.logging import bind_context
from runtime.values.binary import INLINE_BYTES
from schemas.names import tenant_of
from schemas.plan import Step

__all__ = ["RequestReader", "WebhookRequest", "body_by_content_type", "parse_request", "query_of", "read_query"]

MAX_TENANT_LENGTH: Final = 63
"""Characters of a tenant's id; a longer one in an address is cut before it is logged."""
INLINE_QUERY: Final = 1024
"""Characters of a query that is parsed at once."""
QUERY_OPTIONS: Final = qs_codec.DecodeOptions()


@dataclass(frozen=True)
class WebhookRequest:
    """A request to an address of a trigger or of a wait. Header names are lower case."""

    method: str
    tenant: str
    path: str
    query: str
    headers: Mapping[str, str]
    client: str
    origin: str
    """Scheme and host of the address that the caller used."""


class RequestReader:
    """Reads the bodies of requests and makes items of them."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    @property
    def _limit(self) -> int:
        """Return how many bytes a body may have."""
        return self._dependencies.settings.body_limit

    async def read(self, request: WebhookRequest, receive: Receive) -> bytes:
        """Return the body, decompressed.

        Raises:
            TooLarge: over the limit, as declared or as received.
            Refusal: the compression is unknown or broken, the decompressed body is over the limit, or the caller went away.
        """
        data = await self._receive(request, receive)
        return decompress(data, request.headers.get("content-encoding", ""), self._limit)

    async def _receive(self, request: WebhookRequest, receive: Receive) -> bytes:
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self._limit:
            raise _too_large(self._limit)
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":  # half a body would be another request than was meant
                raise refusal(400, "The request ended before its body did", code=400)
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._limit:
                raise _too_large(self._limit)
            chunks.append(chunk)
            if not message.get("more_body"):
                break
        return b"".join(chunks)

    async def webhook_item(
        self,
        request: WebhookRequest,
        url: str,
        params: Mapping[str, str],
        body: Body,
        claims: dict[str, Any] | None,
        workflow_id: str,
        *,
        mode: str = "production",
    ) -> dict[str, Any]:
        """Return the item of a webhook node; its large files are stored for the run. `mode`: production or test."""
        json: dict[str, Any] = {
            "headers": request.headers,
            "params": params,
            "query": await read_query(request.query),
            "body": body.value,
            "webhookUrl": url,
            "executionMode": mode,
        }
        if body.absent:
            del json["body"]
        if claims is not None:
            json["jwtPayload"] = claims
        return await self.item(json, request.tenant, body, workflow_id)

    async def item(self, json: dict[str, Any], tenant: str, body: Body, workflow_id: str) -> dict[str, Any]:
        """Return an item with the files of a body, the large ones stored for the run."""
        binary = {name: file.reference() for name, file in body.files.items()} | body.raw
        for reference in binary.values():
            await self._store(tenant, reference, workflow_id)
        return {"json": json, "binary": binary} if binary else {"json": json}

    async def _store(self, tenant: str, reference: dict[str, Any], workflow_id: str) -> None:
        data = inline_bytes(reference)
        if len(data) > INLINE_BYTES:
            reference["data"] = ""
            reference["id"] = (await self._dependencies.blobs.keep(tenant, data, used_by=workflow_id)).id

    def file_reader(self, tenant: str) -> Callable[[Mapping[str, Any]], Awaitable[bytes]]:
        """Return a function that returns the bytes of a tenant's file, given its reference."""

        async def read(reference: Mapping[str, Any]) -> bytes:
            address = str(reference.get("id") or "")
            if not address:
                return inline_bytes(reference)
            return await self._dependencies.blobs.read(tenant, address)

        return read


async def body_by_content_type(step: Step, request: WebhookRequest, data: bytes) -> Body:
    """Return the body, parsed by its content type alone: the options of webhook nodes do not apply. Raises Refusal."""
    return await parse_body(step.model_copy(update={"version": 2.0, "parameters": {}}), request.headers, data)


def parse_request(scope: HTTPScope, prefix: str) -> WebhookRequest:
    """Return the request of an ASGI scope below `prefix`: /prefix/tenant/path. Its log lines carry the tenant from here on."""
    values: dict[str, list[str]] = {}
    for raw_name, raw_value in scope["headers"]:
        values.setdefault(raw_name.decode("latin-1").lower(), []).append(raw_value.decode("latin-1"))
    headers = {name: ("; " if name == "cookie" else ", ").join(each) for name, each in values.items()}
    tenant, _, path = scope["path"].strip("/").removeprefix(f"{prefix.strip('/')}/").partition("/")
    client = scope.get("client")
    bind_context(tenant=tenant_of(tenant)[:MAX_TENANT_LENGTH])  # a link of a waiting run has the run's id in its place
    return WebhookRequest(
        method=scope["method"].upper(),
        tenant=tenant,
        path=path.strip("/"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        client=client[0] if client else "",
        origin=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
    )


async def read_query(text: str) -> dict[str, Any]:
    """Return what `query_of` does; a long one is parsed in a thread, beside other requests: its lists cost the square of their length."""
    return query_of(text) if len(text) <= INLINE_QUERY else await asyncio.to_thread(query_of, text)


def query_of(text: str) -> dict[str, Any]:
    """Return a query string as n8n parses it."""
    if not text:
        return {}
    query = qs_codec.decode(text, QUERY_OPTIONS)
    query.pop("__proto__", None)
    return query


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is over the limit of {limit} bytes (TEMPOR8_BODY_LIMIT).")
