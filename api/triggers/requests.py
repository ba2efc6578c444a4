"""Taking in a request: its body, its files, and the item that a run gets of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import qs_codec
from litestar.types import HTTPScope, Receive, Send

from api.dependencies import Ports
from api.problems import TooLarge
from api.triggers.bodies import Body
from api.triggers.responses import NO_BODY, Answer, inline_bytes
from runtime.platform.telemetry.logging import bind_context
from runtime.values.binary import INLINE_BYTES
from schemas.names import tenant_of

__all__ = ["Call", "Intake", "call_of", "query_of", "send_answer"]

_LONGEST_TENANT: Final = 63
"""Characters of a tenant's id at most; what is longer comes from a stranger."""
QUERY: Final = qs_codec.DecodeOptions()


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    tenant: str
    path: str
    query: str
    headers: Mapping[str, str]
    client: str
    origin: str
    """Scheme and host that the caller used."""


class Intake:
    """Reads requests and makes items of them."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    @property
    def limit(self) -> int:
        """Bytes that a body may have."""
        return self._ports.settings.body_limit

    async def read(self, call: Call, receive: Receive) -> bytes:
        """The body.

        Raises:
            TooLarge: over the limit, as declared or as it comes.
        """
        declared = call.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.limit:
            raise _too_large(self.limit)
        chunks, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                break
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self.limit:
                raise _too_large(self.limit)
            chunks.append(chunk)
            if not message.get("more_body"):
                break
        return b"".join(chunks)

    async def item(
        self,
        call: Call,
        url: str,
        params: Mapping[str, str],
        body: Body,
        claims: dict[str, Any] | None,
        workflow_id: str,
        *,
        mode: str = "production",
    ) -> dict[str, Any]:
        """n8n's webhook item; its large files are stored for the run. `mode`: production or test."""
        json: dict[str, Any] = {
            "headers": call.headers,
            "params": params,
            "query": query_of(call.query),
            "body": body.value,
            "webhookUrl": url,
            "executionMode": mode,
        }
        if body.absent:
            del json["body"]
        if claims is not None:
            json["jwtPayload"] = claims
        item: dict[str, Any] = {"json": json}
        if binary := await self.stored(call.tenant, body, workflow_id):
            item["binary"] = binary
        return item

    async def stored(self, tenant: str, body: Body, workflow_id: str) -> dict[str, dict[str, Any]]:
        """The files of a body by binary property, the large ones stored for the run."""
        binary = {name: file.reference() for name, file in body.files.items()} | body.raw
        for reference in binary.values():
            await self._store(tenant, reference, workflow_id)
        return binary

    async def _store(self, tenant: str, reference: dict[str, Any], workflow_id: str) -> None:
        data = inline_bytes(reference)
        if len(data) > INLINE_BYTES:
            reference["data"] = ""
            reference["id"] = (await self._ports.blobs.keep(tenant, data, used_by=workflow_id)).id

    def reader(self, tenant: str) -> Callable[[Mapping[str, Any]], Awaitable[bytes]]:
        """What fetches the bytes of a tenant's files."""

        async def read(reference: Mapping[str, Any]) -> bytes:
            address = str(reference.get("id") or "")
            if not address:
                return inline_bytes(reference)
            return await self._ports.blobs.read(tenant, address)

        return read


def call_of(scope: HTTPScope, prefix: str) -> Call:
    """Return the request of an ASGI scope below `prefix`: /prefix/tenant/path. Its log lines carry the tenant from here on."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{joint}{value}" if name in headers else value
    tenant, _, path = scope["path"].strip("/").removeprefix(f"{prefix.strip('/')}/").partition("/")
    client = scope.get("client")
    bind_context(tenant=tenant_of(tenant)[:_LONGEST_TENANT])  # in a link of a waiting run, the run's id stands there
    return Call(
        method=scope["method"].upper(),
        tenant=tenant,
        path=path.strip("/"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        client=client[0] if client else "",
        origin=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
    )


def query_of(text: str) -> dict[str, Any]:
    """A query string as n8n parses it."""
    if not text:
        return {}
    found = qs_codec.decode(text, QUERY)
    found.pop("__proto__", None)
    return found


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is over the limit of {limit} bytes (TEMPOR8_BODY_LIMIT).")


async def send_answer(answer: Answer, send: Send) -> None:
    """Write a response."""
    body = b"" if answer.status in NO_BODY else answer.body
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in answer.headers.items()
    ]
    if answer.stream is not None:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        async for piece in answer.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    if answer.status in NO_BODY:
        headers = [each for each in headers if each[0] != b"content-type"]
    else:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
