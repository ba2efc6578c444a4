"""The links of waiting runs: /webhook-waiting/{workflow_id}/{ordinal}-{token}[/{suffix}].

A link opens one wait of one run, once. The token is checked before anything is asked, so that a forged link learns nothing,
not even whether there is such a run.
"""

import re
from dataclasses import replace
from typing import Any, Final

from litestar.types import Receive
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.dependencies import Ports
from api.triggers.access import admit, is_bot
from api.triggers.bodies import read_body, unpacked
from api.triggers.requests import Call, Intake, query_of
from api.triggers.responses import SANDBOX, TEXT_TYPE, Answer, after_run, at_once, refusal
from runtime.platform.telemetry.logging import bind_context
from schemas import names
from schemas.names import tenant_of
from schemas.plan import CredentialRef, Kind, Step
from schemas.resume_link import WAITING
from service.run_reader import TemporalRuns
from service.run_start import await_reply

__all__ = ["Waits", "step_of"]

_PLACE: Final = re.compile(r"(\d{1,9})-([0-9a-f]{32})(?:/(.*))?")
FORGED: Final = "Invalid token"
THANKS: Final = b"<!doctype html><title>Answered</title><p>Your answer was recorded. You can close this page."
_OVER: Final = "This link was used already, or its time is up."


class Waits:
    """Resumes runs."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._intake = ports, Intake(ports)
        self._reader = TemporalRuns(ports.temporal)

    async def serve(self, call: Call, receive: Receive) -> Answer:
        """One request.

        Raises:
            Refusal: forged, used, late, of the wrong method, or not let in.
        """
        workflow_id, ordinal, suffix, bound = self.opened(call)
        waiting = await self.find(workflow_id, ordinal)
        step = step_of(waiting)
        config = waiting["config"]
        if (config.get("resume") == "approval") is not bound:
            raise refusal(401, FORGED)
        if bound:
            return await self._approved(call, workflow_id, ordinal, step)
        if config.get("resume") == "form":
            raise refusal(409, "The run waits for a form: open its form link.")
        if call.method != config.get("httpMethod"):
            raise refusal(404, f"This wait takes {config.get('httpMethod')} requests, not {call.method}.")
        if suffix != str((config.get("options") or {}).get("webhookSuffix") or "").strip("/"):
            raise refusal(404, "The webhook suffix of this link is not that of the wait.")
        tenant = tenant_of(workflow_id)
        call = replace(call, tenant=tenant)
        claims = await admit(step, tenant, call.headers, call.client, self._ports.credentials)
        raw = unpacked(
            await self._intake.read(call, receive), call.headers.get("content-encoding", ""), self._intake.limit
        )
        url = f"{(self._ports.settings.public_url or call.origin).rstrip('/')}/{WAITING}/{workflow_id}"
        item = await self._intake.item(call, url, {}, read_body(step, call.headers, raw), claims, workflow_id)
        return await self.resume(workflow_id, ordinal, step, [item])

    async def _approved(self, call: Call, workflow_id: str, ordinal: int, step: Step) -> Answer:
        """Somebody pressed a button of a message. Programs that look at every link in a mail decide nothing."""
        if call.method != "GET":
            raise refusal(404, f"This wait takes GET requests, not {call.method}.")
        if is_bot(call.headers.get("user-agent", "")):
            return Answer(200, {"content-type": TEXT_TYPE}, b"")
        approved = query_of(call.query).get("approved") == "true"
        await self.resume(workflow_id, ordinal, step, [{"json": {"approved": approved}}])
        return Answer(200, {"content-type": TEXT_TYPE, "content-security-policy": SANDBOX}, THANKS)

    def opened(self, call: Call) -> tuple[str, int, str, bool]:
        """(workflow id, ordinal, suffix, bound) of a link that is ours; `bound`: it goes with its query.

        Raises:
            Refusal: it is not.
        """
        workflow_id, place = call.tenant, _PLACE.fullmatch(call.path)
        if place is None:
            raise refusal(401, FORGED)
        accepts, ordinal, suffix = self._ports.links.accepts, int(place[1]), (place[3] or "").strip("/")
        bound = False
        if not accepts(workflow_id, ordinal, place[2]):
            bound = bool(call.query) and accepts(workflow_id, ordinal, place[2], call.query)
            if not bound:
                raise refusal(401, FORGED)
        bind_context(workflow_id=workflow_id)
        return workflow_id, ordinal, suffix, bound

    async def find(self, workflow_id: str, ordinal: int) -> dict[str, Any]:
        """The wait that a link opens, as the run tells it.

        Raises:
            Refusal: the run is gone or over, or does not wait there (any more).
        """
        run = await self._reader.describe(workflow_id)
        if run is None:
            raise refusal(404, f'The execution "{workflow_id}" does not exist.')
        if not run.open:
            raise refusal(409, f'The execution "{workflow_id}" has finished already.')
        waiting = await self.now(workflow_id, ordinal)
        if waiting is None or waiting["ordinal"] < ordinal:
            raise refusal(409, "The run does not wait here yet, or no longer.")
        if waiting["ordinal"] != ordinal:
            raise refusal(409, _OVER)
        return waiting

    async def now(self, workflow_id: str, ordinal: int | None = None) -> dict[str, Any] | None:
        """The wait for a call with this ordinal, or else the first at which a run stands; None: at none.

        Raises:
            Refusal: no worker answers.
        """
        try:
            waiting: dict[str, Any] | None = await self._ports.temporal.get_workflow_handle(workflow_id).query(
                names.QUERY_WAITING, ordinal, result_type=dict
            )
        except (WorkflowQueryFailedError, RPCError) as error:
            raise refusal(503, "No worker answers for this run. Try again.") from error
        return waiting

    async def resume(self, workflow_id: str, ordinal: int, step: Step, items: list[dict[str, Any]]) -> Answer:
        """Give the run its items and its caller an answer in the node's response mode.

        Raises:
            Refusal: somebody else was faster.
        """
        handle = self._ports.temporal.get_workflow_handle(workflow_id)
        mode = step.parameters.get("responseMode") or "onReceived"
        try:
            told = await handle.execute_update(names.UPDATE_RESUME, args=[ordinal, items, mode], result_type=dict)
        except WorkflowUpdateFailedError as error:
            raise refusal(409, _OVER) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise refusal(409, f'The execution "{workflow_id}" has finished already.') from error
            raise
        if mode == "onReceived":
            return at_once(step)
        answer = await await_reply(self._ports.temporal, workflow_id, mode, told)
        return await after_run(step, answer, self._intake.reader(tenant_of(workflow_id)))


def step_of(waiting: dict[str, Any]) -> Step:
    """The waiting step as its answers and its door need it: parameters as they are for this wait."""
    credentials = {type_: CredentialRef.model_validate(each) for type_, each in waiting["credentials"].items()}
    return Step(
        name=waiting["step"], type=waiting["type"], version=1, kind=Kind.DURABLE, parameters=waiting["config"],
        credentials=credentials,
    )  # fmt: skip
