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
from schemas.run import TASK_TIMEOUT, StartInput, WebhookAnswer
from service.errors import IdempotencyKeyReusedError, NotStartableError
from service.published import Published
from service.resume_keys import ResumeLinks
from service.run_reader import MEMO
from service.run_templates import RunTemplates

__all__ = ["Order", "Started", "Starter", "Transient", "answer_of", "entry_step", "run_id_of", "uuid7"]

MOVING: Final = 0.05
"""Seconds that a run needs to continue as new."""

KEYED_RUNS: Final = uuid.UUID("6d2f0c1e-5a57-4f0e-9d43-0f9ac1f6a1b2")  # any, and never another
ENTRY_ORDER: Final = ("workflow", "webhook", "form", "chat", "manual", "schedule", "poll", "event", "error")
"""Which start node takes the input of a start by REST: made to be called first, made for a click in the editor last."""

TENANT: Final = SearchAttributeKey.for_keyword(names.TENANT_ID)
TEMPLATE: Final = SearchAttributeKey.for_keyword(names.TEMPLATE_KEY)
PLAN: Final = SearchAttributeKey.for_keyword(names.PLAN_HASH)
TRIGGER: Final = SearchAttributeKey.for_keyword(names.TRIGGER_KIND)


class Transient(Protocol):
    """Runs in this process; see `runtime.hosts.local.transient`."""

    async def start(self, given: StartInput, plan_hash: str) -> str:
        """Begin a run and return its run id."""

    async def start_and_answer(self, given: StartInput, plan_hash: str, mode: str) -> WebhookAnswer:
        """Begin a run and return the reply for its caller."""

    def cancel(self, workflow_id: str) -> bool:
        """Stop a run; False: there is none."""

    async def run(self) -> None:
        """Write what happens until cancelled."""


@dataclass(frozen=True)
class Order:
    """A run to be started."""

    tenant: str
    template: Published
    start: str
    trigger_kind: TriggerKind
    mode: Mode
    items: Sequence[Mapping[str, Any]]
    run: str
    """The last part of the workflow id."""
    user_id: str | None = None
    state: dict[str, Any] | None = None
    """The engine's state to go on with: a retry."""
    retry_of: str | None = None
    """The run that this one tries again."""
    request: str | None = None
    """A digest of the request, when a key makes it repeatable."""
    pinned: bool = False
    """Use the plan's pin data: a test."""

    @property
    def workflow_id(self) -> str:
        """`{tenant}:{template}:{run}`."""
        return names.workflow_id(self.tenant, self.template.key, self.run)


@dataclass(frozen=True)
class Started:
    """A run that has begun. `again` is True when an earlier request with the same key had begun it."""

    workflow_id: str
    run_id: str
    again: bool = False


class Starter:
    """Starts runs on Temporal. The plan rides along, so a run is pinned to the version that was current."""

    def __init__(
        self, client: Client, templates: RunTemplates, task_queue: str, links: ResumeLinks, transient: Transient | None
    ) -> None:
        self._client, self._templates, self._task_queue, self._links = client, templates, task_queue, links
        self._transient = transient

    async def start(self, order: Order) -> Started:
        """Begin the run; it is durable when this returns.

        Raises:
            IdempotencyKeyReusedError: the idempotency key belongs to another request.
        """
        if self._transient is not None and order.template.plan.settings.transient:
            given = await self._transient_input(order)
            return Started(order.workflow_id, await self._transient.start(given, order.template.plan_hash))
        once = order.request is not None
        try:
            handle: WorkflowHandle[Any, Any] = await self._client.start_workflow(
                order.template.key,
                await self._input(order),
                id=order.workflow_id,
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE
                if once
                else WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                memo=_memo(order),
                search_attributes=_attributes(order),
                priority=Priority(fairness_key=order.tenant),
            )
        except WorkflowAlreadyStartedError as error:
            await self._same_request(order)
            return Started(order.workflow_id, error.run_id or "", again=True)
        return Started(order.workflow_id, handle.first_execution_run_id or "")

    async def start_and_answer(self, order: Order, response_mode: str) -> WebhookAnswer:
        """Begin the run and wait, in the same call, for what it wants its caller to get.

        Args:
            order: the run.
            response_mode: lastNode or responseNode.
        """
        if self._transient is not None and order.template.plan.settings.transient:
            given = await self._transient_input(order)
            return await self._transient.start_and_answer(given, order.template.plan_hash, response_mode)
        once = order.request is not None
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            order.template.key,
            await self._input(order),
            id=order.workflow_id,
            task_queue=self._task_queue,
            task_timeout=TASK_TIMEOUT,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING if once else WorkflowIDConflictPolicy.FAIL,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE if once else WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            memo=_memo(order),
            search_attributes=_attributes(order),
            priority=Priority(fairness_key=order.tenant),
        )
        try:
            answer = await self._client.execute_update_with_start_workflow(
                names.UPDATE_WEBHOOK, response_mode, start_workflow_operation=operation, result_type=dict
            )
        except WorkflowAlreadyStartedError:  # the same delivery again, after its run has ended
            return await self._ended(order)
        except WorkflowUpdateFailedError:  # the run was cancelled or terminated while its caller waited
            return WebhookAnswer()
        return await answer_of(self._client, order.workflow_id, response_mode, answer)

    async def _transient_input(self, order: Order) -> StartInput:
        given = await self._input(order)
        return StartInput.model_construct(**{**given, "plan": order.template.plan, "items": list(order.items)})

    async def _ended(self, order: Order) -> WebhookAnswer:
        return await _ended(self._client.get_workflow_handle(order.workflow_id))

    async def _input(self, order: Order) -> dict[str, Any]:
        """A `StartInput` as JSON; the plan is put in as the text that it is stored as."""
        bind_context(tenant=order.tenant, workflow_id=order.workflow_id)
        template = order.template
        return {
            "plan": orjson.Fragment(template.text),
            "tenant": order.tenant,
            "template": template.key,
            "execution_id": order.workflow_id,
            "start": order.start,
            "trigger_kind": str(order.trigger_kind),
            "mode": str(order.mode),
            "items": order.items,
            "user_id": order.user_id,
            "state": order.state,
            "static_data": await self._templates.static_data(order.tenant, template),
            **({"pinned": True} if order.pinned else {}),
            **(self._links.of(order.workflow_id) if template.needs.resume_links else {}),
            **await self._templates.variables(order.tenant, template),
        }

    async def _same_request(self, order: Order) -> None:
        description = await self._client.get_workflow_handle(order.workflow_id).describe()
        memo = await description.memo()
        if memo.get(MEMO, {}).get("request") != order.request:
            raise IdempotencyKeyReusedError(
                "This Idempotency-Key started another run of the template. Use a new key for a new request."
            )


def entry_step(plan: Plan) -> Step:
    """The start node that takes the input of a start by REST.

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
    """The last part of the workflow id that an idempotency key stands for."""
    return str(uuid.uuid5(KEYED_RUNS, f"{tenant}\x00{template}\x00{key}"))


def uuid7() -> str:
    """RFC 9562 version 7: ordered by time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def _memo(order: Order) -> dict[str, Any] | None:
    told = {"user_id": order.user_id, "request": order.request, "retry_of": order.retry_of}
    known = {name: value for name, value in told.items() if value is not None}
    return {MEMO: known} if known else None


def _attributes(order: Order) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(TENANT, order.tenant),
            SearchAttributePair(TEMPLATE, order.template.key),
            SearchAttributePair(PLAN, order.template.plan_hash),
            SearchAttributePair(TRIGGER, str(order.trigger_kind)),
        ]
    )


async def answer_of(client: Client, workflow_id: str, mode: str, told: dict[str, Any]) -> WebhookAnswer:
    """The answer that a run has for its caller, from what it has told so far: a run that continues as new is asked again."""
    answer = WebhookAnswer.model_validate(told)
    while answer.moved:
        await asyncio.sleep(MOVING)
        handle = client.get_workflow_handle(workflow_id)
        try:
            again = await handle.execute_update(names.UPDATE_WEBHOOK, mode, result_type=dict)
        except WorkflowUpdateFailedError:
            return WebhookAnswer()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:  # it moved on just then
                continue
            return await _ended(handle)
        answer = WebhookAnswer.model_validate(again)
    return answer


async def _ended(handle: "WorkflowHandle[Any, Any]") -> WebhookAnswer:
    """What a run that is over had for its caller."""
    told = await handle.query(names.QUERY_STATE, result_type=dict)
    response = told.get("response")
    return WebhookAnswer(response=response, finished=None if response else told.get("result"))
