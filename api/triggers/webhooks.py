"""The way of a webhook request: route, admission, item, start, answer.

This is the busiest path of the service, so it asks Postgres nothing once the caches are warm (a credential check
excepted), makes one call to Temporal, and writes no row: the projector does that later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from api.authentication import PUBLIC
from api.dependencies import Ports
from api.problems import Problem
from api.triggers.access import admit, cors_headers, preflight
from api.triggers.bodies import Body, read_body, unpacked
from api.triggers.chats import Chat
from api.triggers.requests import Call, Intake, call_of, send_answer
from api.triggers.responses import (
    SANDBOX,
    Answer,
    Refusal,
    after_run,
    at_once,
    headers_of,
    refusal,
    status_of,
)
from api.triggers.streaming import stream_of
from api.triggers.waits import Waits
from schemas.kinds import Mode, TriggerKind
from schemas.names import CHAT
from schemas.plan import Plan, Step
from schemas.resume_link import WAITING
from service.published import Published
from service.routes import Webhook
from service.run_start import RunRequest, Starter, run_id_of, uuid7

__all__ = ["webhook_handler"]

PREFIX: Final = "/webhook"
_WAITING: Final = WAITING.removeprefix("webhook") + "/"
"""What is left of the path of a link below this mount."""
_TESTING: Final = "-test/"
"""The same of a test call."""
TEST_PREFIX: Final = "/webhook-test"
DELIVERY: Final = (
    "idempotency-key", "webhook-id", "x-github-delivery", "x-gitlab-event-uuid", "x-shopify-webhook-id", "x-delivery-id",
)  # fmt: skip
"""Headers that name a delivery: one that comes again starts nothing and gets the answer of the first."""


class UnknownWebhook(Problem):
    """Nothing listens there. The address is /webhook/{tenant}/{path}; publishing or activating a template registers it.

    `message` and `hint` are what n8n answers.
    """

    slug, status, title = "unknown-webhook", 404, "No such webhook"


@dataclass(frozen=True)
class Target:
    """What a route leads to."""

    webhook: Webhook
    params: Mapping[str, str]
    template: Published
    step: Step
    test: bool = False
    """A test call: it runs the version that listens for it, with pinned data, as if somebody had clicked."""


def webhook_handler(ports: Ports, starter: Starter) -> ASGIRouteHandler:
    """The ASGI handler of everything under /webhook, /webhook-waiting and /webhook-test."""
    desk, waits = _Desk(ports, starter), Waits(ports)

    @asgi(PREFIX, is_mount=True, opt=PUBLIC, copy_scope=True)
    async def webhook(scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        try:
            if scope["path"].startswith(_WAITING):  # a mount takes every path that begins like its own
                answer = await waits.serve(call_of(cast("HTTPScope", scope), _WAITING), receive)
            elif scope["path"].startswith(_TESTING):
                answer = await desk.serve_test(call_of(cast("HTTPScope", scope), _TESTING), receive)
            else:
                answer = await desk.serve(call_of(cast("HTTPScope", scope), "webhook"), receive)
        except Refusal as refused:
            answer = refused.answer
        await send_answer(answer, send)

    return webhook


class _Desk:
    """Serves webhook requests."""

    def __init__(self, ports: Ports, starter: Starter) -> None:
        self._ports, self._starter, self._intake = ports, starter, Intake(ports)
        self._chat = Chat(ports, starter)
        self._faults: dict[tuple[str, str], str | None] = {}

    async def serve(self, call: Call, receive: Receive) -> Answer:
        """One request.

        Raises:
            Refusal: an error in n8n's words.
            Problem: an error of the service.
        """
        if call.method == "OPTIONS":
            return await self._preflight(call)
        if (chat := await self._found(CHAT, call)) is not None:
            answer = await self._chat.serve(call, chat.template, chat.step, receive)
            return self._shown(answer, call, chat.step, ["GET", "POST"])
        return await self._serve(call, await self._target(call), receive)

    async def serve_test(self, call: Call, receive: Receive) -> Answer:
        """One test call, for a template that listens for it. Raises as `serve` does."""
        wanted = call.method
        if call.method == "OPTIONS":
            wanted = call.headers.get("access-control-request-method", "").upper()
        target = await self._listening(call, wanted)
        if call.method == "OPTIONS":
            return preflight(target.step if target else None, call.headers, [wanted] if target else [])
        if target is None:
            raise _not_listening(call)
        return await self._serve(call, target, receive)

    async def _serve(self, call: Call, target: Target, receive: Receive) -> Answer:
        step = target.step
        claims = await admit(step, call.tenant, call.headers, call.client, self._ports.credentials)
        self._check(target)
        data = unpacked(
            await self._intake.read(call, receive), call.headers.get("content-encoding", ""), self._intake.limit
        )
        body = read_body(step, call.headers, data)
        if target.test and not await self._ports.listeners.take(call.tenant, target.template):
            raise _not_listening(call)
        answer = await self._run(call, target, body, claims)
        return self._shown(answer, call, step, [call.method])

    def _shown(self, answer: Answer, call: Call, step: Step, methods: list[str]) -> Answer:
        """With the headers that a browser wants to see."""
        answer.headers.setdefault("content-security-policy", SANDBOX)
        if "origin" in call.headers:
            answer.headers.update(cors_headers(step, call.headers["origin"], methods))
        return answer

    async def _run(self, call: Call, target: Target, body: Body, claims: dict[str, Any] | None) -> Answer:
        """Start the run and answer in the node's response mode."""
        step = target.step
        delivery = None if target.test else _delivery(call.headers)
        run = run_id_of(call.tenant, target.template.key, f"{call.path}\x00{delivery}") if delivery else uuid7()
        run_request = RunRequest(
            tenant=call.tenant,
            template=target.template,
            start=step.name,
            trigger_kind=TriggerKind.WEBHOOK,
            mode=Mode.MANUAL if target.test else Mode.WEBHOOK,
            pinned=target.test,
            items=[await self._item(call, target, body, claims, run)],
            run=run,
            digest=delivery,
        )
        mode = target.webhook.response_mode
        if mode == "onReceived":
            answer = at_once(step)
            await self._starter.start(run_request)
            return answer
        if mode == "streaming":
            return await stream_of(self._ports, self._starter, run_request)
        status_of(step), headers_of(step)  # a bad option is told before the run begins
        return await after_run(
            step, await self._starter.start_and_answer(run_request, mode), self._intake.reader(call.tenant)
        )

    async def _item(
        self, call: Call, target: Target, body: Body, claims: dict[str, Any] | None, run: str
    ) -> dict[str, Any]:
        """n8n's webhook item."""
        step, base = target.step, self._ports.settings.public_url or call.origin
        slash = "/" if str(step.parameters.get("path", "")).endswith("/") else ""  # n8n shows the path as written
        prefix = TEST_PREFIX if target.test else PREFIX
        url = f"{base.rstrip('/')}{prefix}/{call.tenant}/{target.webhook.path}{slash}"
        workflow_id = f"{call.tenant}:{target.template.key}:{run}"
        mode = "test" if target.test else "production"
        item = await self._intake.item(call, url, target.params, body, claims, workflow_id, mode=mode)
        if step.parameters.get("multipleMethods"):
            item["method"] = call.method  # the node fills the output of this method
        return item

    async def _target(self, call: Call) -> Target:
        if (target := await self._found(call.method, call)) is not None:
            return target
        routes = await self._ports.templates.routes(call.tenant) if call.tenant else None
        raise _unknown(call, routes.methods(call.path) if routes else [])

    async def _listening(self, call: Call, method: str) -> Target | None:
        found = await self._ports.listeners.find(call.tenant, method, call.path)
        step = found[2].plan.step.get(found[0].node) if found else None
        return None if found is None or step is None else Target(*found, step=step, test=True)

    async def _found(self, method: str, call: Call) -> Target | None:
        routes = await self._ports.templates.routes(call.tenant) if call.tenant else None
        found = routes.match(method, call.path) if routes else None
        if found is None:
            return None
        webhook, params = found
        template = await self._ports.templates.current(call.tenant, webhook.template)
        step = template.plan.step.get(webhook.node) if template else None
        return None if template is None or step is None or step.disabled else Target(webhook, params, template, step)

    async def _preflight(self, call: Call) -> Answer:
        routes = await self._ports.templates.routes(call.tenant)
        methods = routes.methods(call.path)
        wanted = call.headers.get("access-control-request-method", "").upper()
        step = None
        if methods:
            found = routes.match(CHAT, call.path) or routes.match(
                wanted if wanted in methods else methods[0], call.path
            )
            template = await self._ports.templates.current(call.tenant, found[0].template) if found else None
            step = template.plan.step.get(found[0].node) if template and found else None
        return preflight(step, call.headers, methods)

    def _check(self, target: Target) -> None:
        """n8n refuses before it runs when the response mode and the Respond to Webhook nodes do not fit together."""
        key = (target.template.plan_hash, target.step.name)
        if key not in self._faults:
            if len(self._faults) > 10_000:  # plans come and go
                self._faults.clear()
            self._faults[key] = _fault(target.template.plan, target.step)
        if (fault := self._faults[key]) is not None:
            raise refusal(500, fault)


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


def _delivery(headers: Mapping[str, str]) -> str | None:
    """What the sender calls this delivery, the same when it sends it again."""
    return next((f"{name}:{headers[name][:500]}" for name in DELIVERY if headers.get(name)), None)


def _not_listening(call: Call) -> UnknownWebhook:
    message = f'The requested webhook "{call.method} {call.path}" is not registered.'
    return UnknownWebhook(
        message,
        code=404,
        message=message,
        hint="POST /templates/{key}/listen, then call again: in a test it listens for one call and two minutes.",
    )


def _unknown(call: Call, methods: list[str]) -> UnknownWebhook:
    if methods:
        names = methods[0] if len(methods) == 1 else f"{', '.join(methods[:-1])} or {methods[-1]}"
        message = f"This webhook is not registered for {call.method} requests. Did you mean to make a {names} request?"
    else:
        message = f'The requested webhook "{call.method} {call.path}" is not registered.'
    return UnknownWebhook(
        message,
        code=404,
        message=message,
        hint="Publish or activate a template with this path for the tenant in the address.",
    )
