"""The one place that sends what a workflow says: answers of webhooks, forms, waits and chats, whole or as a stream."""

from collections.abc import Awaitable, Callable
from typing import Final

from litestar.types import Send

from api.problems import UnknownWebhook
from api.rates import LookUps
from api.triggers.reply_headers import HeaderError, reply_headers
from api.triggers.requests import WebhookRequest
from api.triggers.responses import NO_BODY, HttpReply, Refusal, refusal, status_code
from schemas.names import tenant_of

__all__ = ["answer", "send_reply"]

NOTHING_THERE: Final = (204, 401, 404)
"""Statuses of a refusal by which a caller learns that an address is nobody's: asked by a browser, a forged link, any other."""


async def answer(
    request: WebhookRequest, serve: Callable[[], Awaitable[HttpReply]], send: Send, look_ups: LookUps, kind: str
) -> None:
    """Send the reply that `serve` returns, or its refusal. Problems of the service pass through.

    Args:
        request: what came in.
        serve: serves it.
        send: the ASGI function.
        look_ups: bounds those who ask for what is not there.
        kind: the first part of the address: webhook, form-test, ...

    Raises:
        TooManyRequests: the caller's address has asked for too much that is not there.
    """
    test = kind.endswith("-test")
    thing = f"{kind}:{request.tenant}" + (f":{request.path}" if test else "")
    gone = thing if test else None  # of a tenant, another path may be there all the same
    look_ups.require(request.client, thing)
    try:
        reply = await serve()
    except Refusal as refused:
        reply = refused.reply
    except UnknownWebhook:
        look_ups.missed(request.client, gone)
        raise
    if reply.refused and reply.status in NOTHING_THERE:
        look_ups.missed(request.client, gone)
    else:
        look_ups.found(thing)
    await send_reply(reply, tenant_of(request.tenant), send)


async def send_reply(reply: HttpReply, tenant: str, send: Send) -> None:
    """Send a reply. One that HTTP cannot carry becomes a 500 that says why; its run is not affected.

    Args:
        reply: what the workflow, or a page of ours, says.
        tenant: whose workflow.
        send: the ASGI function.
    """
    try:
        status, headers = status_code(reply.status), reply_headers(reply.headers, tenant, reply.policy)
    except (HeaderError, Refusal) as error:
        if reply.stream is not None:
            await reply.stream.aclose()
        reply = error.reply if isinstance(error, Refusal) else refusal(500, str(error)).reply
        status, headers = reply.status, reply_headers(reply.headers, tenant)
    if reply.stream is not None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async for piece in reply.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    body = b"" if status in NO_BODY else reply.body
    if status in NO_BODY:
        headers = [each for each in headers if each[0] != b"content-type"]
    else:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
