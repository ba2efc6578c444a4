"""Deliveries to triggers that are registered at vendors: the trigger's class checks them before a run begins."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from litestar.types import Receive

from api.dependencies import Dependencies
from api.problems import Unavailable
from api.rates import Rates
from api.triggers.handler import Target, TriggerHandler
from api.triggers.requests import WebhookRequest, body_by_content_type, read_query
from api.triggers.responses import JSON_TYPE, HttpReply, refusal
from runtime.platform.credentials import CredentialMissing, CredentialsUnavailable
from runtime.platform.telemetry.logging import get_logger
from runtime.values.json_bytes import dumps
from schemas.delivery import Answer, Delivery
from schemas.kinds import TriggerKind
from schemas.node import Node
from schemas.plan import Step
from service.registration_store import RegistrationStore
from service.run_start import RunRequest, Starter

__all__ = ["RegisteredHandler"]

log = get_logger("tempor8.deliveries")

INLINE_BYTES: Final = 16 * 1024
"""Of a body whose signature is checked at once; that of a larger one is checked in a thread, beside other requests."""
RECEIVED: Final = {"message": "Webhook call received"}
"""n8n's reply to a delivery that starts nothing."""
TEXT_TYPE: Final = "text/plain; charset=utf-8"
"""Never HTML: a handshake says again what the caller said."""
STARTED: Final = {"message": "Workflow was started"}


class RegisteredHandler(TriggerHandler):
    """Serves what vendors deliver."""

    def __init__(self, dependencies: Dependencies, starter: Starter, rates: Rates) -> None:
        super().__init__(dependencies, starter, rates)
        self._registrations = RegistrationStore(dependencies.database)

    def node_of(self, step: Step) -> Node | None:
        """Return the trigger behind an address when it is registered at a vendor; None: it is not."""
        declared = self._dependencies.catalog.find(step.type, step.version, step.parameters, step.subnodes)
        return declared.bind(step.parameters, step.version) if declared is not None and declared.registers else None

    async def serve(self, request: WebhookRequest, target: Target, node: Node, receive: Receive) -> HttpReply:
        """Serve a delivery.

        Raises:
            Refusal: an error in n8n's words.
            Problem: an error of the service.
        """
        step = target.step
        self._rates.require_start(request.tenant)
        raw = await self._requests.read(request, receive)
        body = await body_by_content_type(step, request, raw)
        known = await self._known(request.tenant, target)
        credential = await self._credential(request.tenant, step, node.delivery_credential(step.version))
        delivery = Delivery(
            method=request.method,
            url=str(known.get("url") or ""),
            query=await read_query(request.query),
            headers=request.headers,
            raw=raw,
            body=None if body.absent else body.value,
            now=time.time() * 1000,
            registration=known["word"],
            node_id=step.id or step.name,
            state=known.get("state") or {},
            credential=credential,
        )
        if len(raw) <= INLINE_BYTES:
            answer = node.receive(delivery, step.version)
        else:
            answer = await asyncio.to_thread(node.receive, delivery, step.version)
        if answer.items is None:
            return _reply(request, target, answer)
        if target.test and not await self._take_test(request, target):
            raise refusal(404, "The template no longer listens for a test call.", code=404)
        run, digest = self._run_id(request, target, raw, None)
        await self._starter.start(self._request(request, target, answer, run, digest))
        return HttpReply(200, {"content-type": JSON_TYPE}, dumps(STARTED))

    async def _known(self, tenant: str, target: Target) -> Mapping[str, Any]:
        row = await self._registrations.of_node(tenant, target.template.key, target.step.name)
        if row is None or row.known is None:
            raise refusal(
                404, "The trigger is not registered.", code=404, hint="Publish the template again, or activate it."
            )
        return row.known

    async def _credential(self, tenant: str, step: Step, type_: str | None) -> Mapping[str, Any]:
        reference = step.credentials.get(type_) if type_ is not None else None
        if type_ is None or reference is None:
            return {}
        try:
            return await self._dependencies.credentials.get(tenant, type_, reference.name or reference.id or "")
        except CredentialMissing as error:
            raise refusal(500, "The credential with which deliveries are checked is missing.") from error
        except CredentialsUnavailable as error:
            raise Unavailable("vault", "The credential store does not answer.") from error

    def _request(
        self, request: WebhookRequest, target: Target, answer: Answer, run: str, digest: str | None
    ) -> RunRequest:
        items = [dict(each) for each in answer.items or []]
        made = self._run_request(request, target, TriggerKind.WEBHOOK, {}, run, digest)
        return replace(made, items=items)


def _reply(request: WebhookRequest, target: Target, answer: Answer) -> HttpReply:
    if answer.error is not None:
        log.warning(
            "a delivery could not be read", tenant=request.tenant, template=target.template.key, node=target.step.name,
            error=answer.error,
        )  # fmt: skip
    if answer.text is not None:
        return HttpReply(answer.status, {"content-type": TEXT_TYPE}, answer.text.encode())
    body = RECEIVED if answer.json is None else answer.json
    return HttpReply(answer.status, {"content-type": JSON_TYPE}, dumps(body))
