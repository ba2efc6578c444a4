"""Other workflows that a run starts: looked up, started as children of Temporal, and waited for."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError, ChildWorkflowError, is_cancelled_exception

from runtime.contract import NodeError, StartChild
from runtime.hosts.temporal.failures import cause_of
from runtime.hosts.temporal.hand_out import measured
from runtime.hosts.temporal.local_activities import LocalActivities
from runtime.hosts.temporal.plans import plan_by_hash
from runtime.interpreter.border import hand_out, identifier
from schemas import names
from schemas.kinds import TriggerKind
from schemas.plan import Plan
from schemas.resume_link import child_secret
from schemas.run import TASK_TIMEOUT, Journal, RunResult, StartInput

__all__ = ["SUMMARY_BYTES", "ChildWorkflows"]

SUMMARY_BYTES: Final = 200
"""Bytes of a summary, of which Temporal takes 400 after it was sealed."""
MAX_DEPTH: Final = 32
"""How deep workflows may call each other."""
MAX_CHILDREN: Final = 1_000_000
"""How many other workflows one run may start: a loop that never ends is stopped by it, and no work of any size that ends."""
PLAN_SECONDS: Final = 60.0
"""How long a run starts other workflows in the version that it found: a fan-out looks once, and a run of days sees what is
published meanwhile."""
MAX_PLANS: Final = 100
"""Workflows that a run remembers at a time."""
MAX_OPEN_CHILDREN: Final = 1_000
"""How many abandoned children of a run may be open at a time; Temporal refuses more than 2,000."""


class ChildWorkflows:
    """The workflows that one run starts."""

    def __init__(self, start: StartInput, local: LocalActivities, number: Callable[[], int]) -> None:
        self.start, self.local, self.number = start, local, number
        self.started = 0
        """How many were started, over all runs of the chain."""
        self.plans: dict[str, tuple[float, dict[str, Any]]] = {}
        """Workflows that were looked up and may be started again without: reference as JSON -> time in seconds, and what was found."""
        self.called_plans: dict[str, Plan] = {}
        """Plans of the workflows that this one has started, by hash."""
        self.loose: set[Any] = set()
        """Children that nobody waits for and that still run."""

    async def run(self, step: str, command: StartChild, caller: str | None) -> dict[str, Any]:
        """Start another workflow of the tenant, and wait for its end where the command says so. `caller`: the n8n workflow id of the plan
        that starts it. Return {status, outputs, error, execution_id}. Raise NodeError: a limit, no such workflow, or it may not be
        called.
        """
        if self.start.depth >= MAX_DEPTH:
            raise NodeError(
                f"Workflows call each other more than {MAX_DEPTH} levels deep; '{step}' starts no further one"
            )
        if self.started >= MAX_CHILDREN:
            raise NodeError(f"The run has started {MAX_CHILDREN:,} other workflows; '{step}' starts no further one")
        self.started += 1
        await workflow.wait_condition(lambda: len(self.loose) < MAX_OPEN_CHILDREN)
        child, attributes = await self._input(command, caller)
        handle = await workflow.start_child_workflow(
            child.template, measured(child, f"The input of the workflow that '{step}' calls"),
            id=child.execution_id, task_timeout=TASK_TIMEOUT,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL if command.wait else workflow.ParentClosePolicy.ABANDON,
            search_attributes=attributes, result_type=dict, static_summary=identifier(step, SUMMARY_BYTES),
        )  # fmt: skip
        if not command.wait:
            self.loose.add(handle)
            handle.add_done_callback(self.loose.discard)
            return {"status": "running", "outputs": [], "error": None, "execution_id": child.execution_id}
        try:
            done = RunResult.model_validate(await handle)
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                raise
            done = _details(error)
        return {
            "status": done.journal.status, "outputs": done.outputs, "error": done.journal.error,
            "execution_id": child.execution_id,
        }  # fmt: skip

    async def _input(self, command: StartChild, caller: str | None) -> tuple[StartInput, TypedSearchAttributes]:
        found = await self._find_plan(command.workflow)
        if found.get("error"):
            raise NodeError(found["error"])
        own = Plan.model_validate(found["plan"]) if "plan" in found else None
        plan = own or self._called_plan(found["plan_hash"])
        if command.kind == TriggerKind.WORKFLOW and not _may_call(caller, plan):
            raise NodeError(
                f"The sub-workflow ({plan.workflow_id or found['template']}) you’re trying to execute limits which workflows "
                "it can be called by.",
                description="Change the caller policy in the settings of the sub-workflow.",
            )
        child = StartInput(
            plan=own, plan_hash="" if own else found["plan_hash"], tenant=self.start.tenant, template=found["template"],
            execution_id=f"{workflow.info().workflow_id}~{self.number()}", trigger_kind=command.kind, mode=command.mode,
            items=command.items, variables=self.start.variables, static_data=found.get("static_data") or {},
            depth=self.start.depth + 1, resume_url=self.start.resume_url, payload_limit=self.start.payload_limit,
            archived=found.get("archived", False),
        )  # fmt: skip
        child.resume_secret = child_secret(self.start.resume_secret, child.execution_id)
        told = {
            names.TENANT_ID: child.tenant, names.TEMPLATE_KEY: child.template, names.TRIGGER_KIND: child.trigger_kind,
            names.PLAN_HASH: found.get("plan_hash", ""),
        }  # fmt: skip
        pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in told.items()]
        return child, TypedSearchAttributes(pairs)

    async def _find_plan(self, reference: Mapping[str, Any]) -> dict[str, Any]:
        """Look a workflow up, or take it as it was found a short while ago where nothing of it changes between its runs."""
        key = json.dumps(reference, sort_keys=True)
        if key in self.plans and workflow.time() - self.plans[key][0] < PLAN_SECONDS:
            return self.plans[key][1]
        asked = {"tenant": self.start.tenant, **reference}
        data = hand_out(asked, "The reference to a workflow", self.start.payload_limit)
        found: dict[str, Any] = await self.local.finish(names.FIND_PLAN, data, dict)
        if found.get("reusable"):
            self.plans.pop(key, None)
            self.plans[key] = (workflow.time(), found)
            if len(self.plans) > MAX_PLANS:
                del self.plans[next(iter(self.plans))]
        return found

    def _called_plan(self, plan_hash: str) -> Plan:
        """Return the plan of a workflow that this one starts. It is in the worker's memory when the look-up has just returned."""
        if plan_hash not in self.called_plans:
            self.called_plans[plan_hash] = plan_by_hash(self.start.tenant, plan_hash)
        return self.called_plans[plan_hash]


def _may_call(caller: str | None, called: Plan) -> bool:
    """n8n's caller policy; "the same owner" is the tenant, and any of its workflows."""
    policy = called.settings.caller_policy
    if policy == "none":
        return False
    if policy == "workflowsFromAList":
        return caller is not None and caller in called.settings.caller_ids
    return True


def _details(error: ChildWorkflowError) -> RunResult:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.details:
        return RunResult.model_validate(cause.details[0])
    message = cause_of(error)
    return RunResult(journal=Journal(status="error", error={"name": "Error", "message": message}))
