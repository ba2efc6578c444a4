"""Webhook requests: find the node, admit, read the item, start the run, reply.

This is the busiest path of the service, so it asks Postgres nothing once the caches are warm (a credential check
excepted), makes one call to Temporal, and writes no row: the projector does that later. A delivery with an id of its own writes
one, which makes it known for as long as runs are stored.
"""

from collections.abc import Awaitable
from typing import Any, Final, cast

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from api.dependencies import Dependencies
from api.origins import WORKFLOW_CONTENT
from api.problems import UnknownWebhook
from api.rates import Rates
from api.runs.watcher import RunWatchers
from api.triggers.access import cors_headers, preflight
from api.triggers.bodies import Body, parse_body
from api.triggers.chats import ChatHandler
from api.triggers.handler import Target, TriggerHandler
from api.triggers.registered import RegisteredHandler
from api.triggers.requests import WebhookRequest, parse_request
from api.triggers.responses import HttpReply, Refusal, headers_of, immediate_reply, refusal, status_of
from api.triggers.sending import answer
from api.triggers.waits import Waits
from schemas.kinds import TriggerKind
from schemas.plan import Plan, Step
from schemas.resume_link import WAITING
from service.run_start import Starter

__all__ = ["webhook_handler"]

PREFIX: Final = "/webhook"
TEST_PREFIX: Final = "/webhook-test"
_WAITING: Final = WAITING.removeprefix("webhook") + "/"
"""Path prefix of resume links, relative to the mount."""
_TESTING: Final = "-test/"
"""Path prefix of test calls, relative to the mount."""
MAX_CACHED_FAULTS: Final = 10_000
"""Steps whose check of the response mode is in memory."""


def webhook_handler(
    dependencies: Dependencies, starter: Starter, watchers: RunWatchers, rates: Rates
) -> ASGIRouteHandler:
    """Return the ASGI handler of everything under /webhook, /webhook-waiting and /webhook-test."""
    handler, waits = WebhookHandler(dependencies, starter, watchers, rates), Waits(dependencies, starter.replies)

    @asgi(PREFIX, is_mount=True, opt=WORKFLOW_CONTENT, copy_scope=True)
    async def webhook(scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        path, http = scope["path"], cast("HTTPScope", scope)
        if path.startswith(_WAITING):  # a mount takes every path that begins like its own
            request, serve, kind = parse_request(http, _WAITING), waits.serve, "webhook-waiting"
        elif path.startswith(_TESTING):
            request, serve, kind = parse_request(http, _TESTING), handler.serve_test, "webhook-test"
        else:
            request, serve, kind = parse_request(http, "webhook"), handler.serve, "webhook"
        await answer(request, lambda: serve(request, receive), send, rates.look_ups, kind)

    return webhook


class WebhookHandler(TriggerHandler):
    """Serves webhook requests."""

    def __init__(self, dependencies: Dependencies, starter: Starter, watchers: RunWatchers, rates: Rates) -> None:
        super().__init__(dependencies, starter, rates)
        self._watchers = watchers
        self._chats = ChatHandler(dependencies, starter, watchers, rates)
        self._registered = RegisteredHandler(dependencies, starter, rates)
        self._faults: dict[tuple[str, str], str | None] = {}

    async def serve(self, request: WebhookRequest, receive: Receive) -> HttpReply:
        """Serve a request to a published template.

        Raises:
            Refusal: an error in n8n's words.
            Problem: an error of the service.
        """
        if request.method == "OPTIONS":
            return await self._preflight(request)
        if (chat := await self._chats.find(request)) is not None:
            serving = self._chats.serve(request, chat, receive)
            return await _with_cors(serving, request, chat.step, ["GET", "POST"])
        target = await self._find(request.method, request)
        if target is None:
            raise _unknown(request, await self._methods(request))
        if (node := self._registered.node_of(target.step)) is not None:
            return await self._registered.serve(request, target, node, receive)
        return await _with_cors(self._serve(request, target, receive), request, target.step, [request.method])

    async def serve_test(self, request: WebhookRequest, receive: Receive) -> HttpReply:
        """Serve a test call, for a template that listens for one. Raises as `serve` does."""
        if request.method == "OPTIONS":
            method = _preflight_method(request)
            target = await self._find_test(method, request)
            return preflight(target.step if target else None, request.headers, [method] if target else [])
        target = await self._find_test(request.method, request)
        if target is None:
            raise _not_listening(request)
        if (node := self._registered.node_of(target.step)) is not None:
            return await self._registered.serve(request, target, node, receive)
        return await _with_cors(self._serve(request, target, receive), request, target.step, [request.method])

    async def _serve(self, request: WebhookRequest, target: Target, receive: Receive) -> HttpReply:
        claims = await self._admit(request, target.step)
        self._rates.require_start(request.tenant)
        self._check_response_mode(target)
        data = await self._requests.read(request, receive)
        body = await parse_body(target.step, request.headers, data)
        if target.test and not await self._take_test(request, target):
            raise _not_listening(request)
        return await self._run(request, target, body, claims, self._run_id(request, target, data, claims))

    async def _run(
        self,
        request: WebhookRequest,
        target: Target,
        body: Body,
        claims: dict[str, Any] | None,
        run_id: tuple[str, str | None],
    ) -> HttpReply:
        """Start the run and reply in the node's response mode."""
        step = target.step
        run, digest = run_id
        item = await self._item(request, target, body, claims, run)
        run_request = self._run_request(request, target, TriggerKind.WEBHOOK, item, run, digest)
        mode = target.webhook.response_mode
        if mode == "onReceived":
            reply = immediate_reply(step)
            await self._starter.start(run_request)
            return reply
        if mode == "streaming":
            return await self._stream(run_request, self._watchers)
        status_of(step), headers_of(step)  # a bad option is refused before the run begins
        return await self._start_and_reply(run_request, step, mode)

    async def _item(
        self, request: WebhookRequest, target: Target, body: Body, claims: dict[str, Any] | None, run: str
    ) -> dict[str, Any]:
        step, base = target.step, self._dependencies.settings.content_base or request.origin
        slash = "/" if str(step.parameters.get("path", "")).endswith("/") else ""  # n8n shows the path as written
        prefix = TEST_PREFIX if target.test else PREFIX
        url = f"{base.rstrip('/')}{prefix}/{request.tenant}/{target.webhook.path}{slash}"
        workflow_id = target.workflow_id(request.tenant, run)
        mode = "test" if target.test else "production"
        item = await self._requests.webhook_item(request, url, target.params, body, claims, workflow_id, mode=mode)
        if step.parameters.get("multipleMethods"):
            item["method"] = request.method  # the node fills the output of this method
        return item

    async def _methods(self, request: WebhookRequest) -> list[str]:
        routes = await self._routes(request.tenant)
        return routes.methods(request.path) if routes else []

    async def _preflight(self, request: WebhookRequest) -> HttpReply:
        target, methods = None, await self._methods(request)
        if methods:
            method = _preflight_method(request)
            target = await self._chats.find(request) or await self._find(
                method if method in methods else methods[0], request
            )
        return preflight(target.step if target else None, request.headers, methods)

    def _check_response_mode(self, target: Target) -> None:
        """Refuse, as n8n does, a response mode that does not fit the Respond to Webhook nodes. Raises Refusal."""
        key = (target.template.plan_hash, target.step.name)
        if key not in self._faults:
            if len(self._faults) > MAX_CACHED_FAULTS:
                self._faults.clear()
            self._faults[key] = _fault(target.template.plan, target.step)
        if (fault := self._faults[key]) is not None:
            raise refusal(500, fault)


async def _with_cors(
    serving: Awaitable[HttpReply], request: WebhookRequest, step: Step, methods: list[str]
) -> HttpReply:
    """Return the reply, also a refusal, with the headers for browsers; those that the workflow sets itself win."""
    try:
        reply = await serving
    except Refusal as refused:
        reply = refused.reply
    reply.headers = cors_headers(step, request.headers.get("origin"), methods) | reply.headers
    return reply


def _preflight_method(request: WebhookRequest) -> str:
    return request.headers.get("access-control-request-method", "").upper()


def _fault(plan: Plan, step: Step) -> str | None:
    reached, waiting = set(), [step.name]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in plan.step:
            continue
        reached.add(name)
        waiting.extend(edge.target for edge in plan.step[name].edges)
    responds = any(plan.step[name].responds and not plan.step[name].disabled for name in reached)
    mode = step.parameters.get("responseMode") or "onReceived"
    if mode != "responseNode" and responds:
        return "Unused Respond to Webhook node found in the workflow"
    if mode == "responseNode" and not responds and step.version >= 2:  # typeVersion
        return "No Respond to Webhook node found in the workflow"
    return None


def _not_listening(request: WebhookRequest) -> UnknownWebhook:
    message = f'The requested webhook "{request.method} {request.path}" is not registered.'
    return UnknownWebhook(
        message,
        code=404,
        message=message,
        hint="POST /templates/{key}/listen, then call again: in a test it listens for one call and two minutes.",
    )


def _unknown(request: WebhookRequest, methods: list[str]) -> UnknownWebhook:
    if methods:
        names = methods[0] if len(methods) == 1 else f"{', '.join(methods[:-1])} or {methods[-1]}"
        message = (
            f"This webhook is not registered for {request.method} requests. Did you mean to make a {names} request?"
        )
    else:
        message = f'The requested webhook "{request.method} {request.path}" is not registered.'
    return UnknownWebhook(
        message,
        code=404,
        message=message,
        hint="Publish or activate a template with this path for the tenant in the address.",
    )
