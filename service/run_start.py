"""Starting a run: the start node, the input, the workflow id, and one call to Temporal."""

import contextlib
import secrets
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
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
from temporalio.service import RPCError

from runtime.platform.storage.blobs import BlobStore
from runtime.platform.storage.payloads import dumps
from runtime.platform.storage.uses import references_in
from runtime.platform.telemetry.logging import bind_context
from runtime.platform.tenant_places import TenantPlaces
from runtime.values.json_bytes import DepthError, dumps_within_depth
from schemas import names
from schemas.item import MAX_NESTING
from schemas.kinds import Mode, RunStatus, TriggerKind
from schemas.plan import Plan, Step
from schemas.plan_reference import PlanReference
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunReply, StartInput
from service.errors import IdempotencyKeyReusedError, InputRefusedError, NotStartableError, ReplyPendingError
from service.execution_rows import ExecutionRow
from service.resume_keys import ResumeLinks
from service.run_archive import RunArchive
from service.run_reader import MEMO
from service.run_reply import TEMPORAL_AWAY, ReplyTimeouts, ReplyWaiter, Verdict, update_id, verdict_of
from service.run_templates import RunTemplates
from service.shutdown import Shutdown
from service.start_keys import StartKeys
from service.started_runs import StartedRuns
from service.template_records import Published
from service.trace_context import caller_traceparent

__all__ = ["RunRequest", "StartedRun", "Starter", "Transient", "entry_step", "run_id_of", "uuid7"]

RUN_ID_NAMESPACE: Final = uuid.UUID("6d2f0c1e-5a57-4f0e-9d43-0f9ac1f6a1b2")
"""Of the run ids that are made of idempotency keys. It never changes: the same key must give the same run."""
ENTRY_ORDER: Final = ("workflow", "webhook", "form", "chat", "manual", "schedule", "poll", "event", "error")
"""Which kind of trigger takes the input of a start by REST, the first one first: those for calls before those for a click in
the editor.
"""

START_SECONDS: Final = 0.1
"""After which a start that waits for its reply counts as accepted: Temporal answers both in one."""

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
    """Starts runs on Temporal. The plan's hash rides along, so a run is pinned to the version that was current."""

    def __init__(
        self, client: Client, templates: RunTemplates, queue_of: Callable[[str], str], links: ResumeLinks, transient: Transient | None,
        replies: ReplyWaiter | None = None, per_tenant: int = 8, payload_limit: int = PAYLOAD_LIMIT, *, keys: StartKeys,
        archive: RunArchive, blobs: BlobStore, started: StartedRuns | None = None,
    ) -> None:  # fmt: skip
        self._payload_limit = payload_limit
        self._client, self._templates, self._queue_of, self._links = client, templates, queue_of, links
        self._transient, self._keys, self._archive, self._blobs = transient, keys, archive, blobs
        self._started = started
        self._places = TenantPlaces(per_tenant)
        self.replies = replies or ReplyWaiter(client, ReplyTimeouts(), Shutdown())

    async def start(self, request: RunRequest) -> StartedRun:
        """Start the run; it is durable when this returns.

        Raises:
            IdempotencyKeyReusedError: the idempotency key belongs to another request.
            ReplyPendingError: Temporal does not answer any more, so the run may have begun.
        """
        if self._transient is not None and request.template.plan.settings.transient:
            input_ = await self._transient_input(request)
            return StartedRun(request.workflow_id, await self._transient.start(input_, request.template.plan_hash))
        items = self._checked(request.items)  # before its key is claimed: a request that was refused may be mended
        if (earlier := await self._earlier_run(request)) is not None:
            return StartedRun(request.workflow_id, earlier.run_id, repeated=True)
        if request.retry_of is not None:  # its files are those of another run, which may be deleted before this one
            references = references_in(dumps([request.state, request.items]))
            await self._blobs.hold(request.tenant, references, used_by=request.workflow_id)
        try:
            async with self._places.hold(request.tenant):  # a burst of one tenant's starts queues here, not in Temporal
                handle: WorkflowHandle[Any, Any] = await self._client.start_workflow(
                    request.template.key,
                    await self._input(request, items),
                    id=request.workflow_id,
                    task_queue=self._queue_of(request.tenant),
                    task_timeout=TASK_TIMEOUT,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,  # also of a start that is tried again
                    memo=_memo(request),
                    search_attributes=_attributes(request),
                    priority=Priority(fairness_key=request.tenant),
                )
        except WorkflowAlreadyStartedError as error:
            await self._same_request(request)
            return StartedRun(request.workflow_id, error.run_id or "", repeated=True)
        except RPCError as error:
            if verdict_of(error) is not Verdict.ASK_AGAIN:
                raise
            return await self._uncertain(request, error)
        run_id = handle.first_execution_run_id or ""
        if self._started is not None:
            self._started.note(_row(request, run_id))
        return StartedRun(request.workflow_id, run_id)

    async def _uncertain(self, request: RunRequest, error: RPCError) -> StartedRun:
        """Return the run that a start has begun although its answer was lost. Raises what is known otherwise."""
        begun = await self.replies.has_begun(request.workflow_id)
        if begun is None:
            raise ReplyPendingError(request.workflow_id, TEMPORAL_AWAY) from error
        if not begun:
            raise error
        return StartedRun(request.workflow_id, "")

    async def start_and_answer(self, request: RunRequest, response_mode: str) -> RunReply:
        """Start the run and wait, in the same call, for its reply to the caller.

        Args:
            request: the run.
            response_mode: lastNode or responseNode.

        Raises:
            ReplyPendingError: the run has begun, and has no reply in time.
        """
        if self._transient is not None and request.template.plan.settings.transient:
            input_ = await self._transient_input(request)
            return await self._transient.start_and_answer(input_, request.template.plan_hash, response_mode)
        items = self._checked(request.items)
        earlier = await self._earlier_run(request)
        if (
            earlier is not None and await self.replies.has_begun(request.workflow_id) is False
        ):  # Temporal has forgotten it
            return await self._archive.reply(earlier)
        run_input = await self._input(request, items)

        async def start() -> dict[str, Any]:
            operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
                request.template.key,
                run_input,
                id=request.workflow_id,
                task_queue=self._queue_of(request.tenant),
                task_timeout=TASK_TIMEOUT,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,  # the same delivery, or this call once more
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                memo=_memo(request),
                search_attributes=_attributes(request),
                priority=Priority(fairness_key=request.tenant),
            )
            try:
                reply: dict[str, Any] = await self._client.execute_update_with_start_workflow(
                    names.UPDATE_WEBHOOK, response_mode, start_workflow_operation=operation, result_type=dict,
                    id=update_id(response_mode),
                )  # fmt: skip
            except BaseException:
                with contextlib.suppress(
                    BaseException
                ):  # it holds the same error, which asyncio logs when nobody reads it
                    await operation.workflow_handle()
                raise
            return reply

        # as of other starts; the reply may take minutes, and by then the run has long begun
        async with self._places.hold(request.tenant, longest=START_SECONDS):
            return await self.replies.wait(request.workflow_id, response_mode, start)

    async def _earlier_run(self, request: RunRequest) -> ExecutionRow | None:
        """Return the stored run of an earlier request with the same key; None: there is none, or it is younger than the tables."""
        if request.digest is None:
            return None
        return await self._keys.claim(request.tenant, request.template.key, request.run, request.digest)

    async def _transient_input(self, request: RunRequest) -> StartInput:
        input_ = await self._input(request, self._checked(request.items))
        return StartInput.model_construct(**{**input_, "plan": request.template.plan, "items": list(request.items)})

    async def _input(self, request: RunRequest, items: Any) -> PlanReference:
        """Return a `StartInput` as JSON, with the plan's hash. `items`: see `_checked`."""
        bind_context(tenant=request.tenant, workflow_id=request.workflow_id)
        template = request.template
        return PlanReference(
            plan_hash=template.plan_hash,
            tenant=request.tenant,
            template=template.key,
            execution_id=request.workflow_id,
            start=request.start,
            trigger_kind=str(request.trigger_kind),
            mode=str(request.mode),
            items=items,
            user_id=request.user_id,
            state=request.state,
            static_data=await self._templates.static_data(request.tenant, template),
            payload_limit=self._payload_limit,
            archived=True,
            **({"pinned": True} if request.pinned else {}),
            **(self._links.of(request.workflow_id) if template.needs.resume_links else {}),
            **self._templates.limit(request.tenant),
            **await self._templates.variables(request.tenant, template),
        )

    def _checked(self, items: Sequence[Mapping[str, Any]]) -> Any:
        """Return the items of a start as JSON. Raises InputRefusedError for those that no run could hand on."""
        try:
            data = dumps_within_depth(items, MAX_NESTING + 2)
        except DepthError as error:
            raise InputRefusedError(f"The input is nested deeper than {MAX_NESTING} levels. Flatten it.") from error
        if len(data) > self._payload_limit:
            raise InputRefusedError(
                f"The input has {len(data):,} bytes of JSON, and the limit is {self._payload_limit:,} (TEMPOR8_PAYLOAD_LIMIT)."
            )
        return orjson.Fragment(data)

    async def _same_request(self, request: RunRequest) -> None:
        if request.digest is None:  # this very start, whose first answer was lost
            return
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


def _row(request: RunRequest, run_id: str) -> ExecutionRow:
    """Return the row of a run that has just begun; its time is a little later than Temporal's, which the projector writes."""
    return ExecutionRow(
        tenant=request.tenant, id=request.workflow_id, run_id=run_id, template=request.template.key,
        plan_hash=request.template.plan_hash, trigger_kind=str(request.trigger_kind), status=RunStatus.RUNNING,
        started_at=datetime.now(UTC), user_id=request.user_id, retry_of=request.retry_of,
    )  # fmt: skip


def _memo(request: RunRequest) -> dict[str, Any] | None:
    fields = {
        "user_id": request.user_id,
        "request": request.digest,
        "retry_of": request.retry_of,
        "traceparent": caller_traceparent(),
    }
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
