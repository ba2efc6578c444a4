"""What the handlers of webhooks, forms and chats share: find the step behind an address, admit, start, reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.dependencies import Dependencies
from api.triggers.access import admit
from api.triggers.requests import RequestReader, WebhookRequest
from api.triggers.responses import HttpReply, reply_after_run
from schemas.kinds import Mode, TriggerKind
from schemas.plan import Step
from service.routes import Webhook
from service.run_start import RunRequest, Starter
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

    def __init__(self, dependencies: Dependencies, starter: Starter) -> None:
        self._dependencies, self._starter = dependencies, starter
        self._requests = RequestReader(dependencies)

    async def _find(self, method: str, request: WebhookRequest) -> Target | None:
        """Return the step of a published template that listens at the request's path; None: there is none."""
        routes = await self._dependencies.templates.routes(request.tenant) if request.tenant else None
        match = routes.match(method, request.path) if routes else None
        if match is None:
            return None
        webhook, params = match
        template = await self._dependencies.templates.current(request.tenant, webhook.template)
        step = template.plan.step.get(webhook.node) if template else None
        return None if template is None or step is None or step.disabled else Target(webhook, params, template, step)

    async def _find_test(self, method: str, request: WebhookRequest) -> Target | None:
        """Return the step of a template that listens for a test call at the request's path; None: there is none."""
        match = await self._dependencies.listeners.find(request.tenant, method, request.path)
        step = match[2].plan.step.get(match[0].node) if match else None
        return None if match is None or step is None else Target(*match, step=step, test=True)

    async def _take_test(self, request: WebhookRequest, target: Target) -> bool:
        """End the listening for a test call; return False when another call was faster, or the time is up."""
        return await self._dependencies.listeners.take(request.tenant, target.template)

    async def _admit(self, request: WebhookRequest, step: Step) -> dict[str, Any] | None:
        """Let the caller in, see `api.triggers.access.admit`. Raises Refusal."""
        return await admit(step, request.tenant, request.headers, request.client, self._dependencies.credentials)

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
