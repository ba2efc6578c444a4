"""The links of waiting runs: /webhook-waiting/{workflow_id}/{ordinal}-{token}[/{suffix}].

A link resumes one wait of one run, once. The token is checked before anything else, so that a forged link reveals nothing,
not even whether there is such a run.
"""

import re
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from litestar.types import Receive
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.dependencies import Dependencies
from api.triggers.access import admit, is_bot
from api.triggers.bodies import parse_body
from api.triggers.decisions import decision
from api.triggers.requests import RequestReader, WebhookRequest, read_query
from api.triggers.responses import TEXT_TYPE, HttpReply, immediate_reply, refusal, reply_after_run
from runtime.platform.telemetry.logging import bind_context, get_logger
from schemas import names
from schemas.names import tenant_of
from schemas.plan import CredentialRef, Kind, Step
from schemas.resume_link import WAITING
from service.audit import ActorKind, AuditRecord, Outcome
from service.errors import ReplyPendingError
from service.run_reader import TemporalRuns
from service.run_reply import NO_WORKER, ReplyWaiter

__all__ = ["Waits", "step_of"]

log = get_logger("tempor8.api")

QUERY_TIMEOUT: Final = timedelta(seconds=10)
"""How long a run may take to say what it waits for: it may have to be replayed."""
_PLACE: Final = re.compile(r"(\d{1,9})-([0-9a-f]{32})(?:/(.*))?")
FORGED_LINK: Final = "Invalid token"
THANKS: Final = b"<!doctype html><title>Answered</title><p>Your answer was recorded. You can close this page."
_USED_OR_EXPIRED: Final = "This link was used already, or its time is up."


class Waits:
    """Resumes runs for the callers of their links."""

    def __init__(self, dependencies: Dependencies, replies: ReplyWaiter) -> None:
        self._dependencies, self._requests, self._replies = dependencies, RequestReader(dependencies), replies
        self._runs = TemporalRuns(dependencies.temporal)

    async def serve(self, request: WebhookRequest, receive: Receive) -> HttpReply:
        """Resume the run and return the reply in the node's response mode.

        Raises:
            Refusal: the link is forged, used or expired, the method is wrong, or the caller is not admitted.
        """
        workflow_id, ordinal, suffix, bound = self.parse_link(request)
        waiting = await self.find(workflow_id, ordinal)
        step = step_of(waiting)
        config = waiting["config"]
        if (config.get("resume") == "approval") is not bound:
            raise refusal(401, FORGED_LINK)
        if bound:
            return await self._approved(request, workflow_id, waiting)
        if config.get("resume") == "form":
            raise refusal(409, "The run waits for a form: open its form link.")
        if request.method != config.get("httpMethod"):
            raise refusal(404, f"This wait takes {config.get('httpMethod')} requests, not {request.method}.")
        if suffix != str((config.get("options") or {}).get("webhookSuffix") or "").strip("/"):
            raise refusal(404, "The webhook suffix of this link is not that of the wait.")
        tenant = tenant_of(workflow_id)
        request = replace(request, tenant=tenant)
        claims = await admit(step, tenant, request.headers, request.client, self._dependencies.credentials)
        body = await parse_body(step, request.headers, await self._requests.read(request, receive))
        url = f"{(self._dependencies.settings.content_base or request.origin)}/{WAITING}/{workflow_id}"
        item = await self._requests.webhook_item(request, url, {}, body, claims, workflow_id)
        return await self.resume(workflow_id, ordinal, step, [item])

    async def _approved(self, request: WebhookRequest, workflow_id: str, waiting: dict[str, Any]) -> HttpReply:
        """Resume a wait for approval: a button of a message was pressed. Programs that open every link of a mail decide nothing."""
        if request.method != "GET":
            raise refusal(404, f"This wait takes GET requests, not {request.method}.")
        if is_bot(agent := request.headers.get("user-agent", "")) or not agent:
            return HttpReply(200, {"content-type": TEXT_TYPE}, b"")
        approved = (await read_query(request.query)).get("approved") == "true"
        item = {"json": {"approved": approved}}
        await self.resume(workflow_id, waiting["ordinal"], step_of(waiting), [item])
        await self.note_answer(workflow_id, request, decision(waiting, item, "approval"))
        return HttpReply(200, {"content-type": TEXT_TYPE}, THANKS)

    async def note_answer(self, workflow_id: str, request: WebhookRequest, details: dict[str, Any]) -> None:
        """Write into the audit log what was answered by the link of a message or a form. What cannot be written is a line of the
        log.
        """
        record = AuditRecord(
            tenant=tenant_of(workflow_id), actor_kind=ActorKind.LINK, actor="", action="run.answer", object=f"run/{workflow_id}",
            outcome=Outcome.DONE, request_id=str(uuid.uuid4()), status=200, address=request.client,
            details=details,
        )  # fmt: skip
        try:
            await self._dependencies.audit.write(record)
        except Exception:  # the run has the answer, whatever becomes of the row
            log.exception("audit row not written", action=record.action, object=record.object)

    def parse_link(self, request: WebhookRequest) -> tuple[str, int, str, bool]:
        """Return (workflow id, ordinal, suffix, bound) of a link; `bound`: its token covers its query.

        Raises:
            Refusal: the link is forged.
        """
        workflow_id, match = request.tenant, _PLACE.fullmatch(request.path)
        if match is None:
            raise refusal(401, FORGED_LINK)
        accepts, ordinal, suffix = self._dependencies.links.accepts, int(match[1]), (match[3] or "").strip("/")
        bound = False
        if not accepts(workflow_id, ordinal, match[2]):
            bound = bool(request.query) and accepts(workflow_id, ordinal, match[2], request.query)
            if not bound:
                raise refusal(401, FORGED_LINK)
        bind_context(workflow_id=workflow_id)
        return workflow_id, ordinal, suffix, bound

    async def find(self, workflow_id: str, ordinal: int) -> dict[str, Any]:
        """Return the wait that a link resumes, as the run reports it.

        Raises:
            Refusal: there is no such run, it has ended, or it does not wait there (any more).
        """
        run = await self._runs.describe(workflow_id)
        if run is None:
            raise refusal(404, f'The execution "{workflow_id}" does not exist.')
        if not run.open:
            raise refusal(409, f'The execution "{workflow_id}" has finished already.')
        waiting = await self.current_wait(workflow_id, ordinal)
        if waiting is None or waiting["ordinal"] < ordinal:
            raise refusal(409, "The run does not wait here yet, or no longer.")
        if waiting["ordinal"] != ordinal:
            raise refusal(409, _USED_OR_EXPIRED)
        return waiting

    async def current_wait(self, workflow_id: str, ordinal: int | None = None) -> dict[str, Any] | None:
        """Return the wait for a call with this ordinal, or else the first wait of the run; None: it waits for no call.

        Raises:
            ReplyPendingError: no worker answers.
        """
        try:
            waiting: dict[str, Any] | None = await self._dependencies.temporal.get_workflow_handle(workflow_id).query(
                names.QUERY_WAITING, ordinal, result_type=dict, rpc_timeout=QUERY_TIMEOUT
            )
        except (WorkflowQueryFailedError, RPCError) as error:
            raise ReplyPendingError(workflow_id, NO_WORKER) from error
        return waiting

    async def resume(self, workflow_id: str, ordinal: int, step: Step, items: list[dict[str, Any]]) -> HttpReply:
        """Resume the run with these items and return the reply in the node's response mode.

        Raises:
            Refusal: another call was faster, or the run has ended.
            ReplyPendingError: the run has no reply in time.
        """
        handle = self._dependencies.temporal.get_workflow_handle(workflow_id)
        mode = step.parameters.get("responseMode") or "onReceived"
        update_id = f"resume:{ordinal}:{uuid.uuid4().hex}"  # one for all attempts: a resume is taken once

        async def resume() -> dict[str, Any]:
            reply: dict[str, Any] = await handle.execute_update(
                names.UPDATE_RESUME, args=[ordinal, items, mode], result_type=dict, id=update_id
            )
            return reply

        try:
            reply = await self._replies.wait(workflow_id, mode, resume, refusable=True)
        except WorkflowUpdateFailedError as error:
            raise refusal(409, _USED_OR_EXPIRED) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise refusal(409, f'The execution "{workflow_id}" has finished already.') from error
            raise
        if mode == "onReceived":
            return immediate_reply(step)
        return await reply_after_run(step, reply, self._requests.file_reader(tenant_of(workflow_id)))


def step_of(waiting: dict[str, Any]) -> Step:
    """Return the waiting step for admission and reply: with the parameters of this wait."""
    credentials = {type_: CredentialRef.model_validate(each) for type_, each in waiting["credentials"].items()}
    return Step(
        name=waiting["step"], type=waiting["type"], version=1, kind=Kind.DURABLE, parameters=waiting["config"],
        credentials=credentials,
    )  # fmt: skip
