"""Starting a run: the start node, the input, the workflow id, and one call to Temporal."""

import asyncio
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.telemetry.logging import bind_context
from schemas import names
from schemas.kinds import Mode, TriggerKind
from schemas.plan import Plan, Step
from schemas.run import TASK_TIMEOUT, RunReply, StartInput
from service.errors import IdempotencyKeyReusedError, NotStartableError
from service.resume_keys import ResumeLinks
from service.run_reader import MEMO
from service.run_templates import RunTemplates
from service.template_records import Published

__all__ = ["RunRequest", "StartedRun", "Starter", "Transient", "await_reply", "entry_step", "run_id_of", "uuid7"]

CONTINUE_AS_NEW_SECONDS: Final = 0.05
"""Seconds to wait while a run continues as new."""

RUN_ID_NAMESPACE: Final = uuid.UUID("6d2f0c1e-5a57-4f0e-9d43-0f9ac1f6a1b2")
"""Of the run ids that are made of idempotency keys. It never changes: the same key must give the same run."""
ENTRY_ORDER: Final = ("workflow", "webhook", "form", "chat", "manual", "schedule", "poll", "event", "error")
"""Which kind of trigger takes the input of a start by REST, the first one first: those for calls before those for a click in
the editor.
"""

TENANT: Final = SearchAttributeKey.for_keyword(names.TENANT_ID)
TEMPLATE: Final = SearchAttributeKey.for_keyword(names.TEMPLATE_KEY)
PLAN: Final = SearchAttributeKey.for_keyword(names.PLAN_HASH)
TRIGGER: Final = SearchAttributeKey.for_keyword(names.TRIGGER_KIND)


class Transient(Protocol):
    """Runs in this process; see `runtime.hosts.local.transient`."""

    async def start(self, input_: StartInput, plan_hash: str) -> str:
        """Begin a run and return its run id."""

    async def start_and_answer(self, input_: StartInput, plan_hash: str, mode: str) -> RunReply:
        """Begin a run and return the reply for its caller."""

    def cancel(self, workflow_id: str) -> bool:
        """Stop a run; return False when there is none."""

    async def run(self) -> None:
        """Write the rows of runs until cancelled."""


@dataclass(frozen=True)
class RunRequest:
    """A request to start a run of a template."""

    tenant: str
    template: Published
    start: str
    trigger_kind: TriggerKind
    mode: Mode
    items: Sequence[Mapping[str, Any]]
    run: str
    """The last part of the workflow id, see `run_id_of` and `uuid7`."""
    user_id: str | None = None
    state: dict[str, Any] | None = None
    """The engine's state to continue with: a retry."""
    retry_of: str | None = None
    """The run that this one tries again."""
    digest: str | None = None
    """Of the request that has an idempotency key: the same key with another digest is refused. None: not repeatable."""
    pinned: bool = False
    """Use the plan's pinned data: a test."""

    @property
    def workflow_id(self) -> str:
        """Return `{tenant}:{template}:{run}`."""
        return names.workflow_id(self.tenant, self.template.key, self.run)


@dataclass(frozen=True)
class StartedRun:
    """A run that has begun. `repeated` is True when an earlier request with the same key started it."""

    workflow_id: str
    run_id: str
    repeated: bool = False


class Starter:
    """Starts runs on Temporal. The plan rides along, so a run is pinned to the version that was current."""

    def __init__(
        self, client: Client, templates: RunTemplates, task_queue: str, links: ResumeLinks, transient: Transient | None
    ) -> None:
        self._client, self._templates, self._task_queue, self._links = client, templates, task_queue, links
        self._transient = transient

    async def start(self, request: RunRequest) -> StartedRun:
        """Start the run; it is durable when this returns.

        Raises:
            IdempotencyKeyReusedError: the idempotency key belongs to another request.
        """
        if self._transient is not None and request.template.plan.settings.transient:
            input_ = await self._transient_input(request)
            return StartedRun(request.workflow_id, await self._transient.start(input_, request.template.plan_hash))
        keyed = request.digest is not None
        try:
            handle: WorkflowHandle[Any, Any] = await self._client.start_workflow(
                request.template.key,
                await self._input(request),
                id=request.workflow_id,
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
                if keyed
                else WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                memo=_memo(request),
                search_attributes=_attributes(request),
                priority=Priority(fairness_key=request.tenant),
            )
        except WorkflowAlreadyStartedError as error:
            await self._same_request(request)
            return StartedRun(request.workflow_id, error.run_id or "", repeated=True)
        return StartedRun(request.workflow_id, handle.first_execution_run_id or "")

    async def start_and_answer(self, request: RunRequest, response_mode: str) -> RunReply:
        """Start the run and wait, in the same call, for its reply to the caller.

        Args:
            request: the run.
            response_mode: lastNode or responseNode.
        """
        if self._transient is not None and request.template.plan.settings.transient:
            input_ = await self._transient_input(request)
            return await self._transient.start_and_answer(input_, request.template.plan_hash, response_mode)
        keyed = request.digest is not None
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            request.template.key,
            await self._input(request),
            id=request.workflow_id,
            task_queue=self._task_queue,
            task_timeout=TASK_TIMEOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING if keyed else WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE if keyed else WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            memo=_memo(request),
            search_attributes=_attributes(request),
            priority=Priority(fairness_key=request.tenant),
        )
        try:
            reply = await self._client.execute_update_with_start_workflow(
                names.UPDATE_WEBHOOK, response_mode, start_workflow_operation=operation, result_type=dict
            )
        except WorkflowAlreadyStartedError:  # the same delivery, after its run has ended
            return await self._ended(request)
        except WorkflowUpdateFailedError:  # the run was cancelled or terminated while its caller waited
            return RunReply()
        return await await_reply(self._client, request.workflow_id, response_mode, reply)

    async def _transient_input(self, request: RunRequest) -> StartInput:
        input_ = await self._input(request)
        return StartInput.model_construct(**{**input_, "plan": request.template.plan, "items": list(request.items)})

    async def _ended(self, request: RunRequest) -> RunReply:
        return await _ended(self._client.get_workflow_handle(request.workflow_id))

    async def _input(self, request: RunRequest) -> dict[str, Any]:
        """Return a `StartInput` as JSON, with the plan as the text that it is stored as."""
        bind_context(tenant=request.tenant, workflow_id=request.workflow_id)
        template = request.template
        return {
            "plan": orjson.Fragment(template.text),
            "tenant": request.tenant,
            "template": template.key,
            "execution_id": request.workflow_id,
            "start": request.start,
            "trigger_kind": str(request.trigger_kind),
            "mode": str(request.mode),
            "items": request.items,
            "user_id": request.user_id,
            "state": request.state,
            "static_data": await self._templates.static_data(request.tenant, template),
            **({"pinned": True} if request.pinned else {}),
            **(self._links.of(request.workflow_id) if template.needs.resume_links else {}),
            **await self._templates.variables(request.tenant, template),
        }

    async def _same_request(self, request: RunRequest) -> None:
        description = await self._client.get_workflow_handle(request.workflow_id).describe()
        memo = await description.memo()
        if memo.get(MEMO, {}).get("request") != request.digest:
            raise IdempotencyKeyReusedError(
                "This Idempotency-Key started another run of the template. Use a new key for a new request."
            )


def entry_step(plan: Plan) -> Step:
    """Return the start node that takes the input of a start by REST.

    Raises:
        NotStartableError: the plan has no enabled trigger.
    """
    enabled = [step for step in plan.steps if step.trigger and not step.disabled]
    for kind in ENTRY_ORDER:
        for step in enabled:
            if step.trigger == kind:
                return step
    if not enabled:
        raise NotStartableError("The template has no enabled trigger node, so there is nowhere to start.")
    return enabled[0]


def run_id_of(tenant: str, template: str, key: str) -> str:
    """Return the last part of the workflow id that belongs to an idempotency key."""
    return str(uuid.uuid5(RUN_ID_NAMESPACE, f"{tenant}\x00{template}\x00{key}"))


def uuid7() -> str:
    """Return a UUID of RFC 9562 version 7, which is ordered by time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def _memo(request: RunRequest) -> dict[str, Any] | None:
    fields = {"user_id": request.user_id, "request": request.digest, "retry_of": request.retry_of}
    present = {name: value for name, value in fields.items() if value is not None}
    return {MEMO: present} if present else None


def _attributes(request: RunRequest) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(TENANT, request.tenant),
            SearchAttributePair(TEMPLATE, request.template.key),
            SearchAttributePair(PLAN, request.template.plan_hash),
            SearchAttributePair(TRIGGER, str(request.trigger_kind)),
        ]
    )


async def await_reply(client: Client, workflow_id: str, mode: str, reply: dict[str, Any]) -> RunReply:
    """Return a run's reply to its caller. `reply` is the result of the update; a run that continued as new is asked again.

    Raises:
        RPCError: Temporal does not answer.
    """
    current = RunReply.model_validate(reply)
    while current.moved:
        await asyncio.sleep(CONTINUE_AS_NEW_SECONDS)
        handle = client.get_workflow_handle(workflow_id)
        try:
            reply_json = await handle.execute_update(names.UPDATE_WEBHOOK, mode, result_type=dict)
        except WorkflowUpdateFailedError:
            return RunReply()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:  # it continued as new just then
                continue
            return await _ended(handle)
        current = RunReply.model_validate(reply_json)
    return current


async def _ended(handle: "WorkflowHandle[Any, Any]") -> RunReply:
    """Return the reply of a run that has ended."""
    state = await handle.query(names.QUERY_STATE, result_type=dict)
    response = state.get("response")
    return RunReply(response=response, finished=None if response else state.get("result"))
