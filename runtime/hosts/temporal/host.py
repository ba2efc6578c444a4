"""The Temporal host: carries an execution inside a workflow, with timers, activities, signals and children."""

import copy
from collections.abc import Mapping
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, is_cancelled_exception

from runtime.contract import AwaitSignal, NodeError, StartChild
from runtime.expressions import ScriptEvaluator
from runtime.hosts.temporal.timeouts import (
    ACTIVITY_TIMEOUT,
    CRASH_RETRY,
    HEARTBEAT_TIMEOUT,
    LOCAL_ACTIVITY_TIMEOUT,
    NO_RETRY,
)
from runtime.interpreter.host import RunView
from runtime.interpreter.run_info import RunInfo
from schemas import names
from schemas.expression import Script
from schemas.kinds import Mode, TriggerKind
from schemas.plan import Kind, Plan
from schemas.resume_link import child_secret
from schemas.run import TASK_TIMEOUT, Journal, RunResult, StartInput
from schemas.task import Task, TaskResult

__all__ = ["EVALUATOR", "TemporalHost"]

EVALUATOR: Final = "tempor8_script_evaluator"
"""Name of the extern function on which scripts run; see `runtime.hosts.temporal.extern`."""
ACTIVATION_ITEM_BUDGET: Final = 8_000
"""Items moved by inline steps in one activation, about 80 ms; then the workflow task ends. Many runs share one
interpreter lock, so this must stay far below the 2 s of the deadlock detector."""
SCRIPT_ITEM_COST: Final = 100
"""Items that weigh as much as a call of V8."""
QUICK_SCRIPT_ITEM_COST: Final = 20
"""The same for scripts that Python can nearly always evaluate by itself."""
MAX_DEPTH: Final = 32
"""How deep workflows may call each other."""
MAX_CHILDREN: Final = 10_000
"""How many other workflows one run may start."""
MAX_OPEN_CHILDREN: Final = 1_000
"""How many abandoned children of a run may be open at a time; Temporal refuses more than 2,000."""


class TemporalHost:
    """Carries one execution inside a Temporal workflow."""

    replays = True

    def __init__(self, start: StartInput) -> None:
        self.start = start
        self.evaluator: ScriptEvaluator = workflow.extern_functions()[EVALUATOR]
        self.response: dict[str, Any] | None = None
        self.resumed: dict[str, Any] = {}
        self.waiting: dict[int, dict[str, Any]] = {}
        """The waits for a call that stand now, by ordinal: {ordinal, step, run, until, config}. More than one only where they
        may overlap.
        """
        self.info: RunInfo | None = None
        self.sequence = 0
        self.children = 0
        self.loose: set[Any] = set()
        """Children that nobody waits for and that still run."""
        self.spent = 0
        self.before: dict[str, Any] = {}
        """The static data that the run began with."""
        self.turn = False
        """Holds a place where its workflow lets only so many run."""
        self.called = False
        """Somebody gave a place back."""
        self.moving = False
        """About to continue as new: whoever waits for an answer asks the new run."""

    def now(self) -> float:
        """Temporal's time, milliseconds."""
        return workflow.time() * 1000

    def seed(self) -> int:
        """Temporal's randomness."""
        return workflow.random().getrandbits(32)

    async def work(self, task: Task, kind: Kind) -> TaskResult:
        """As an activity or a local one; its id says which step, run and try it is."""
        step = task["step"]["name"]
        again = NO_RETRY if task["step"].get("at_most_once") and kind is Kind.ACTIVITY else CRASH_RETRY
        self.sequence += 1
        self.spent = 0
        activity_id = f"{step}#{task['run_index']}#{task.get('attempt', 1)}#{self.sequence}"
        task["meta"]["activity"] = activity_id
        task["meta"]["chain_id"] = workflow.info().first_execution_run_id
        try:
            if kind is Kind.LOCAL:
                done = await workflow.execute_local_activity(
                    names.RUN_STEP, task, activity_id=activity_id, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
                    retry_policy=CRASH_RETRY, summary=step, result_type=dict,
                )  # fmt: skip
            else:
                done = await workflow.execute_activity(
                    names.RUN_STEP, task, activity_id=activity_id, start_to_close_timeout=ACTIVITY_TIMEOUT,
                    heartbeat_timeout=HEARTBEAT_TIMEOUT, retry_policy=again, summary=step, result_type=dict,
                )  # fmt: skip
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            if again is NO_RETRY:
                raise NodeError(
                    "The worker that ran this step went away, and the step is delivered at most once",
                    description="Whether it was done is not known. Look, then retry the run from this node or from the next.",
                ) from error
            raise NodeError(_cause(error)) from error
        result: TaskResult = done
        return result

    async def sleep(self, seconds: float) -> None:
        """A timer."""
        self.spent = 0
        await workflow.sleep(seconds)

    async def signal(
        self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None, call: str = ""
    ) -> Any:
        """Until the resume signal for this step arrives, or its time is up."""
        key = _resume_key(step, run_index, call)
        timeout = None if command.until is None else max(0.0, (command.until - self.now()) / 1000)
        assert self.info is not None
        self.spent = 0
        number = self.info.waits if ordinal is None else ordinal
        self.waiting[number] = {
            "ordinal": number, "step": step, "run": run_index, "until": command.until, "config": dict(command.config),
            **({"call": call} if call else {}),
        }  # fmt: skip
        try:
            await workflow.wait_condition(lambda: key in self.resumed, timeout=timeout)
        except TimeoutError:
            return None
        finally:
            self.waiting.pop(number, None)
            if ordinal is None:
                self.info.waits += 1
        return self.resumed.pop(key)

    def resume(self, ordinal: int, payload: Any) -> None:
        """Give a wait what it waits for. The caller has looked whether it still does."""
        waiting = self.waiting.pop(ordinal)
        if waiting["config"].get("responseMode", "onReceived") != "onReceived":
            self.response = None  # this caller gets an answer of its own
        self.resumed[_resume_key(waiting["step"], waiting["run"], waiting.get("call", ""))] = payload

    async def child(self, step: str, command: StartChild) -> dict[str, Any]:
        """Another workflow of the tenant as a child."""
        if self.start.depth >= MAX_DEPTH:
            raise NodeError(
                f"Workflows call each other more than {MAX_DEPTH} levels deep; '{step}' starts no further one"
            )
        if self.children >= MAX_CHILDREN:
            raise NodeError(f"The run has started {MAX_CHILDREN:,} other workflows; '{step}' starts no further one")
        self.children += 1
        await workflow.wait_condition(lambda: len(self.loose) < MAX_OPEN_CHILDREN)
        child, attributes = await self._child_input(command)
        handle = await workflow.start_child_workflow(
            child.template, child.to_json(), id=child.execution_id, task_timeout=TASK_TIMEOUT,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL if command.wait else workflow.ParentClosePolicy.ABANDON,
            search_attributes=attributes, result_type=dict, static_summary=step,
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

    async def _child_input(self, command: StartChild) -> tuple[StartInput, TypedSearchAttributes]:
        found = await workflow.execute_local_activity(
            names.FIND_PLAN, {"tenant": self.start.tenant, **command.workflow}, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
            retry_policy=CRASH_RETRY, result_type=dict,
        )  # fmt: skip
        if found.get("error"):
            raise NodeError(found["error"])
        plan = Plan.model_validate(found["plan"])
        if command.kind == TriggerKind.WORKFLOW and not _may_call(self.start.plan, plan):
            raise NodeError(
                f"The sub-workflow ({plan.workflow_id or found['template']}) you’re trying to execute limits which workflows "
                "it can be called by.",
                description="Change the caller policy in the settings of the sub-workflow.",
            )
        self.sequence += 1
        child = StartInput(
            plan=plan, tenant=self.start.tenant, template=found["template"],
            execution_id=f"{workflow.info().workflow_id}~{self.sequence}", trigger_kind=command.kind, mode=command.mode,
            items=command.items, variables=self.start.variables, static_data=found.get("static_data") or {},
            depth=self.start.depth + 1, resume_url=self.start.resume_url,
        )  # fmt: skip
        child.resume_secret = child_secret(self.start.resume_secret, child.execution_id)
        told = {
            names.TENANT_ID: child.tenant, names.TEMPLATE_KEY: child.template, names.TRIGGER_KIND: child.trigger_kind,
            names.PLAN_HASH: found.get("plan_hash", ""),
        }  # fmt: skip
        pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in told.items()]
        return child, TypedSearchAttributes(pairs)

    def respond(self, response: Mapping[str, Any]) -> None:
        """Keep the first response; the webhook update gives it to the caller."""
        if self.response is None:
            self.response = dict(response)

    async def boundary(self, execution: RunView, step: str) -> None:
        """End the workflow task when much inline work was done in it; continue as new when Temporal suggests it."""
        run = execution.engine.runs.get(step)
        self.spent += 1 + (sum(run[-1].get("inputs", ())) if run else 0)
        scripts = [e.expression for e in execution.plan.step[step].expressions if isinstance(e.expression, Script)]
        if scripts:
            self.spent += (
                SCRIPT_ITEM_COST if any(script.quick is None for script in scripts) else QUICK_SCRIPT_ITEM_COST
            )
        if self.spent > ACTIVATION_ITEM_BUDGET:
            await self.sleep(0.001)
        if self.start.trigger_kind == TriggerKind.POLL and execution.plan.step[step].trigger == TriggerKind.POLL:
            await self.save_static_data(
                execution
            )  # how far it has read: the next poll must not wait for this run's end
        if workflow.info().is_continue_as_new_suggested() and not execution.engine.parked:
            await self._continue_as_new(execution)

    async def save_static_data(self, execution: RunView) -> None:
        """Write what the run has changed since it last did. n8n keeps those of production runs only."""
        data, before = execution.static_data, self.before
        changed = {name: value for name, value in data.items() if name not in before or before[name] != value}
        if not changed or self.start.mode == Mode.MANUAL:
            return
        self.before = copy.deepcopy(data)
        await workflow.execute_local_activity(
            names.SAVE_STATIC_DATA,
            {"tenant": self.start.tenant, "template": self.start.template, "static_data": changed},
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
            retry_policy=CRASH_RETRY,
        )

    async def _continue_as_new(self, execution: RunView) -> None:
        """A run with a caller who waits is asked again by the API; without that, its history would grow to the limit."""
        self.moving = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        carried = {
            "sequence": self.sequence, "usage": execution.usage, "custom_data": execution.custom_data,
            "resumed": self.resumed, "response": self.response, "before": self.before,
            **({"turn": True} if self.turn else {}), **({"children": self.children} if self.children else {}),
        }  # fmt: skip
        follow = self.start.model_copy(
            update={
                "state": execution.engine.state(), "static_data": execution.static_data, "items": [],
                "waits": execution.info.waits, "carried": carried,
            }
        )  # fmt: skip
        workflow.continue_as_new(args=[follow.to_json()], task_timeout=TASK_TIMEOUT)


def _resume_key(step: str, run_index: int, call: str) -> str:
    """Names a wait among those that are open. A tool may be called twice at once, and each call waits for its own."""
    return f"{step}#{run_index}#{call}" if call else f"{step}#{run_index}"


def _may_call(caller: Plan | None, called: Plan) -> bool:
    """n8n's caller policy; "the same owner" is the tenant, and any of its workflows."""
    policy = called.settings.caller_policy
    if policy == "none":
        return False
    if policy == "workflowsFromAList":
        return caller is not None and caller.workflow_id in called.settings.caller_ids
    return True


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


def _details(error: ChildWorkflowError) -> RunResult:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.details:
        return RunResult.model_validate(cause.details[0])
    message = _cause(error)
    return RunResult(journal=Journal(status="error", error={"name": "Error", "message": message}))
