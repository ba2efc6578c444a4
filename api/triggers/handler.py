"""What the handlers of webhooks, forms and chats share: find the step behind an address, admit, start, reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.dependencies import Dependencies
from api.rates import Rates
from api.runs.watcher import RunWatchers
from api.triggers.access import admit
from api.triggers.deliveries import caller_of, delivery_of, request_digest
from api.triggers.requests import RequestReader, WebhookRequest
from api.triggers.responses import HttpReply, reply_after_run
from api.triggers.streaming import stream_of
from schemas.kinds import Mode, TriggerKind
from schemas.plan import Step
from service.api_keys import TENANT_ID
from service.routes import Routes, Webhook
from service.run_start import RunRequest, Starter, run_id_of, uuid7
from service.template_records import Published

__all__ = ["Target", "TriggerHandler"]


@dataclass(frozen=True)
class Target:
    """The step behind an address."""

    webhook: Webhook
    params: Mapping[str, str]
    """Of the path."""
    template: Published
    step: Step
    test: bool = False
    """A test call: it runs the version that listens for it, in manual mode and with pinned data."""

    def workflow_id(self, tenant: str, run: str) -> str:
        """Return the workflow id of a run that starts here."""
        return f"{tenant}:{self.template.key}:{run}"


class TriggerHandler:
    """Starts runs for requests from outside."""

    def __init__(self, dependencies: Dependencies, starter: Starter, rates: Rates) -> None:
        self._dependencies, self._starter, self._rates = dependencies, starter, rates
        self._requests = RequestReader(dependencies)

    async def _routes(self, tenant: str) -> Routes | None:
        """Return where a tenant's templates listen; None, without a query: that is no tenant's id."""
        return await self._dependencies.templates.routes(tenant) if TENANT_ID.fullmatch(tenant) else None

    async def _find(self, method: str, request: WebhookRequest) -> Target | None:
        """Return the step of a published template that listens at the request's path; None: there is none."""
        routes = await self._routes(request.tenant)
        match = routes.match(method, request.path) if routes else None
        if match is None:
            return None
        webhook, params = match
        template = await self._dependencies.templates.current(request.tenant, webhook.template)
        step = template.plan.step.get(webhook.node) if template else None
        return None if template is None or step is None or step.disabled else Target(webhook, params, template, step)

    async def _find_test(self, method: str, request: WebhookRequest) -> Target | None:
        """Return the step of a template that listens for a test call at the request's path; None: there is none."""
        if not TENANT_ID.fullmatch(request.tenant):
            return None
        match = await self._dependencies.listeners.find(request.tenant, method, request.path)
        step = match[2].plan.step.get(match[0].node) if match else None
        return None if match is None or step is None else Target(*match, step=step, test=True)

    async def _take_test(self, request: WebhookRequest, target: Target) -> bool:
        """End the listening for a test call; return False when another call was faster, or the time is up."""
        return await self._dependencies.listeners.take(request.tenant, target.template)

    async def _admit(self, request: WebhookRequest, step: Step) -> dict[str, Any] | None:
        """Let the caller in, see `api.triggers.access.admit`. Raises Refusal."""
        return await admit(step, request.tenant, request.headers, request.client, self._dependencies.credentials)

    def _run_id(
        self, request: WebhookRequest, target: Target, body: bytes, claims: Mapping[str, Any] | None
    ) -> tuple[str, str | None]:
        """Return the last part of the workflow id, the same for the same delivery of the same caller, and the request's digest.

        None in place of the digest: the request names no delivery, and each is a run.
        """
        delivery = None if target.test else delivery_of(request.headers)
        if delivery is None:
            return uuid7(), None
        caller = caller_of(request, target.step, claims, self._dependencies.start_keys)
        key = "\x00".join(part for part in (request.path, delivery, caller) if part)
        return run_id_of(request.tenant, target.template.key, key), request_digest(request, body)

    def _run_request(
        self,
        request: WebhookRequest,
        target: Target,
        kind: TriggerKind,
        item: dict[str, Any],
        run: str,
        digest: str | None = None,
    ) -> RunRequest:
        """Return the request for a run that begins with one item at the target."""
        return RunRequest(
            tenant=request.tenant,
            template=target.template,
            start=target.step.name,
            trigger_kind=kind,
            mode=Mode.MANUAL if target.test else Mode.WEBHOOK,
            pinned=target.test,
            items=[item],
            run=run,
            digest=digest,
        )

    async def _start_and_reply(self, run_request: RunRequest, step: Step, mode: str) -> HttpReply:
        """Start the run and wait for its reply. `mode`: lastNode or responseNode. Raises Refusal: there is none to send."""
        reply = await self._starter.start_and_answer(run_request, mode)
        return await reply_after_run(step, reply, self._requests.file_reader(run_request.tenant))

    async def _stream(self, run_request: RunRequest, watchers: RunWatchers) -> HttpReply:
        """Start the run and return what its agents say as it comes. Raises TooManyRequests: the tenant has too many streams."""
        with self._rates.streams.hold(run_request.tenant) as keep:
            reply = await stream_of(self._dependencies, self._starter, watchers, run_request)
            keep(reply.stream)
        return reply
