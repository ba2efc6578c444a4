"""The Temporal host: carries an execution inside a workflow, with timers, activities, signals and children."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, is_cancelled_exception

from runtime.contract import AwaitSignal, NodeError, StartChild
from runtime.expressions import ScriptEvaluator
from runtime.hosts.exception_log import frames
from runtime.hosts.temporal.hand_out import inline, raw
from runtime.hosts.temporal.plans import plan_by_hash
from runtime.hosts.temporal.script_limits import MONOTONIC, RecordedEvaluator, ReplayLimit
from runtime.hosts.temporal.timeouts import (
    ACTIVITY_TIMEOUT,
    CRASH_RETRY,
    HEARTBEAT_TIMEOUT,
    LOCAL_ACTIVITY_TIMEOUT,
    LOCAL_RETRY_THRESHOLD,
    NO_RETRY,
)
from runtime.interpreter.border import hand_out, identifier
from runtime.interpreter.host import RunView
from runtime.interpreter.run_info import RunInfo
from runtime.interpreter.task_parts import split_task
from schemas import names
from schemas.errors import InfrastructureError
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
interpreter lock, so this must stay far below the time-out of a task."""
SCRIPT_ITEM_COST: Final = 100
"""Items that weigh as much as a call of V8."""
QUICK_SCRIPT_ITEM_COST: Final = 20
"""The same for scripts that Python can nearly always evaluate by itself."""
ID_BYTES: Final = 900
"""Bytes of a node's name in the id of an activity, of which Temporal takes 1,000."""
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
DRAIN_EVENTS: Final = 25_000
"""Events of a history from which on steps order nothing further although they wait for other workflows: half of the 51,200 at
which Temporal ends the run. Until then a workflow that waits for a person holds up nothing."""
CARRIED_STEPS: Final = "continue as new inside steps"
"""The change from which on a run continues as new in the middle of steps; runs that did not go on to the next boundary."""
MAX_OPEN_CHILDREN: Final = 1_000
"""How many abandoned children of a run may be open at a time; Temporal refuses more than 2,000."""


class TemporalHost:
    """Carries one execution inside a Temporal workflow."""

    replays = True

    def __init__(self, start: StartInput) -> None:
        self.start = start
        extern = workflow.extern_functions()
        self.evaluator: ScriptEvaluator = RecordedEvaluator(extern[EVALUATOR](start.tenant), extern[MONOTONIC])
        self.response: dict[str, Any] | None = None
        self.resumed: dict[str, Any] = {}
        self.waiting: dict[int, dict[str, Any]] = {}
        """The waits for a call that stand now, by ordinal: {ordinal, step, run, until, config}. More than one only where they
        may overlap.
        """
        self.info: RunInfo | None = None
        self.workflow_id: str | None = None
        """The n8n workflow id of the plan, where the export has one."""
        self.called_plans: dict[str, Plan] = {}
        """Plans of the workflows that this one has started, by hash."""
        self.sequence = 0
        self.children = 0
        self.plans: dict[str, tuple[float, dict[str, Any]]] = {}
        """Workflows that were looked up and may be started again without: reference as JSON -> time in ms, and what was found."""
        self.carries: bool | None = None
        """Whether this run may continue as new in the middle of steps; None: it has not come to that."""
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

    def passes(self, error: Exception) -> bool:
        """A cancellation ends the run as cancelled. What depends on this attempt of the workflow task (a time limit on replay, a
        history that does not fit, a worker that cannot start a process) fails the attempt, never the run.
        """
        return is_cancelled_exception(error) or isinstance(
            error, workflow.NondeterminismError | ReplayLimit | InfrastructureError
        )

    def log_exception(self, error: Exception, node: str) -> None:
        """To the workflow's logger, which is silent on replay."""
        workflow.logger.error("the node %r failed with %s\n%s", node, type(error).__name__, frames(error))

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
        activity_id = f"{identifier(step, ID_BYTES)}#{task['run_index']}#{task.get('attempt', 1)}#{self.sequence}"
        task["meta"]["activity"] = activity_id
        task["meta"]["chain_id"] = workflow.info().first_execution_run_id
        payloads, summary = self._payloads(task, kind), identifier(step, SUMMARY_BYTES)
        try:
            if kind is Kind.LOCAL:
                done = await workflow.execute_local_activity(
                    names.RUN_STEP, args=payloads, activity_id=activity_id, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
                    local_retry_threshold=LOCAL_RETRY_THRESHOLD,
                    retry_policy=CRASH_RETRY, summary=summary, result_type=dict,
                )  # fmt: skip
            else:
                done = await workflow.execute_activity(
                    names.RUN_STEP, args=payloads, activity_id=activity_id, start_to_close_timeout=ACTIVITY_TIMEOUT,
                    heartbeat_timeout=HEARTBEAT_TIMEOUT, retry_policy=again, summary=summary, result_type=dict,
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

    def _payloads(self, task: Task, kind: Kind) -> list[Any]:
        """Return the task as arguments of its activity. A run of an older build goes on with one that is not measured."""
        limit = self.start.payload_limit
        if limit is None:
            return [task]
        payloads = split_task(task, limit)
        return [inline(each) for each in payloads] if kind is Kind.LOCAL else [raw(each) for each in payloads]

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
        own = f"{key}@{number}"
        if own not in self.resumed:
            self.waiting[number] = {
                "ordinal": number, "step": step, "run": run_index, "until": command.until, "config": dict(command.config),
                **({"call": call} if call else {}),
            }  # fmt: skip
        try:
            await workflow.wait_condition(lambda: own in self.resumed or key in self.resumed, timeout=timeout)
        except TimeoutError:
            return None
        finally:
            self.waiting.pop(number, None)
            if ordinal is None:
                self.info.waits += 1
        return self.resumed.pop(own if own in self.resumed else key)

    def resume(self, ordinal: int, payload: Any) -> None:
        """Give a wait what it waits for. The caller has looked whether it still does."""
        waiting = self.waiting.pop(ordinal)
        if waiting["config"].get("responseMode", "onReceived") != "onReceived":
            self.response = None  # this caller gets an answer of its own
        key = _resume_key(waiting["step"], waiting["run"], waiting.get("call", ""))
        self.resumed[f"{key}@{ordinal}"] = payload

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
            child.template, self._measured(child, f"The input of the workflow that '{step}' calls"),
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

    async def _child_input(self, command: StartChild) -> tuple[StartInput, TypedSearchAttributes]:
        found = await self._find_plan(command.workflow)
        if found.get("error"):
            raise NodeError(found["error"])
        own = Plan.model_validate(found["plan"]) if "plan" in found else None
        plan = own or self._called_plan(found["plan_hash"])
        if command.kind == TriggerKind.WORKFLOW and not _may_call(self.workflow_id, plan):
            raise NodeError(
                f"The sub-workflow ({plan.workflow_id or found['template']}) you’re trying to execute limits which workflows "
                "it can be called by.",
                description="Change the caller policy in the settings of the sub-workflow.",
            )
        self.sequence += 1
        child = StartInput(
            plan=own, plan_hash="" if own else found["plan_hash"], tenant=self.start.tenant, template=found["template"],
            execution_id=f"{workflow.info().workflow_id}~{self.sequence}", trigger_kind=command.kind, mode=command.mode,
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
        if key in self.plans and self.now() - self.plans[key][0] < 1000 * PLAN_SECONDS:
            return self.plans[key][1]
        found: dict[str, Any] = await workflow.execute_local_activity(
            names.FIND_PLAN, inline(hand_out({"tenant": self.start.tenant, **reference}, "The reference to a workflow", self.start.payload_limit)),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
            local_retry_threshold=LOCAL_RETRY_THRESHOLD, retry_policy=CRASH_RETRY, result_type=dict,
        )  # fmt: skip
        if found.get("reusable"):
            self.plans.pop(key, None)
            self.plans[key] = (self.now(), found)
            if len(self.plans) > MAX_PLANS:
                del self.plans[next(iter(self.plans))]
        return found

    def _called_plan(self, plan_hash: str) -> Plan:
        """Return the plan of a workflow that this one starts. It is in the worker's memory when the look-up has just returned."""
        if plan_hash not in self.called_plans:
            self.called_plans[plan_hash] = plan_by_hash(self.start.tenant, plan_hash)
        return self.called_plans[plan_hash]

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
        polled = self.start.trigger_kind == TriggerKind.POLL and execution.plan.step[step].trigger == TriggerKind.POLL
        # how far it has read is saved now: the next poll must not wait for this run's end
        if polled and not await self.save_static_data(execution, poll=step):
            execution.engine.withdraw(step)
        if self.should_continue_as_new() and not execution.engine.parked:
            await self._continue_as_new(execution)
        else:
            await self.continue_inside(execution)

    # --- continue as new ---------------------------------------------------------------------------------------------

    def patched(self, change: str) -> bool:
        """Temporal's patches: a marker in the history says so."""
        return workflow.patched(change)

    def activation(self) -> int:
        """The length of the history, which every workflow task adds to."""
        return workflow.info().get_current_history_length()

    def should_continue_as_new(self) -> bool:
        """Return whether the run is to continue as new as soon as it may: at the next boundary, or in the middle of steps of
        which nothing is open but timers and waits for calls. Its history is long, or another build of the worker is current.

        This is the one place that decides it, for every step and every wait. It is asked after each workflow task, also of a
        run that only waits (a signal or a timer gives it one), and must be without effects.
        """
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.is_target_worker_deployment_version_changed()

    def should_continue_inside(self) -> bool:
        """The same for the middle of steps, where a run of an older history does not continue."""
        return self.carries is not False and self.should_continue_as_new()

    def holds_back(self, *, waits_for_child: bool) -> bool:
        """Return whether steps order nothing further, so that what is open comes to its end."""
        if not self.should_continue_inside():
            return False
        if waits_for_child and workflow.info().get_current_history_length() < DRAIN_EVENTS:
            return False
        return self._carries()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Looked at after each workflow task."""
        await workflow.wait_condition(condition)

    async def continue_inside(self, execution: RunView) -> None:
        """Continue as new in the middle of the open steps. Returns when it is not the time, or something came in first."""
        if not (self.should_continue_inside() and execution.settled() and self._carries()):
            return
        await workflow.wait_condition(lambda: True)  # after all that this workflow task has brought
        if execution.settled():
            await self._continue_as_new(execution)

    async def begin_anew(self) -> None:
        """Continue as new before the run has begun, while it waits for its turn. Returns when it is not the time."""
        if self.should_continue_inside() and self._carries():
            self.moving = True
            await workflow.wait_condition(workflow.all_handlers_finished)
            start = raw(
                hand_out(self.start.to_json(), "The input of the run", None), self.start.plan_hash
            )  # as it came: it was let in
            _continue(start)

    def _carries(self) -> bool:
        if self.carries is None:
            self.carries = workflow.patched(CARRIED_STEPS)
        return self.carries

    async def save_static_data(self, execution: RunView, poll: str | None = None) -> bool:
        """Write what the run has changed since it last did. n8n keeps those of production runs only.

        Return False where the run is a poll (of the step `poll`) and another one has moved its mark in the meantime.
        """
        data, before = execution.static_data, self.before
        changed = {name: value for name, value in data.items() if name not in before or before[name] != value}
        if not changed or self.start.mode == Mode.MANUAL:
            return True
        change: dict[str, Any] = {
            "tenant": self.start.tenant,
            "template": self.start.template,
            "static_data": changed,
        }
        if poll is not None:
            key = f"node:{poll}"
            change["poll"] = {"key": key, "before": before.get(key), "run": workflow.info().workflow_id}
        self.before = copy.deepcopy(data)
        saved = await workflow.execute_local_activity(
            names.SAVE_STATIC_DATA,
            inline(hand_out(change, "", None)),
            local_retry_threshold=LOCAL_RETRY_THRESHOLD,
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
            retry_policy=CRASH_RETRY,
        )
        return saved is not False  # recorded runs of before have None

    async def _continue_as_new(self, execution: RunView) -> None:
        """A run with a caller who waits is asked again by the API; without that, its history would grow to the limit."""
        self.moving = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not execution.settled():  # something has come in, which this run takes
            self.moving = False
            return
        carried = {
            "sequence": self.sequence, "usage": execution.usage, "custom_data": execution.custom_data,
            "resumed": self.resumed, "response": self.response, "before": self.before,
            **({"turn": True} if self.turn else {}), **({"children": self.children} if self.children else {}),
            **({"waiting": self.waiting} if self.waiting else {}),
        }  # fmt: skip
        follow = self.start.model_copy(
            update={
                "state": execution.state(), "static_data": execution.static_data, "items": [],
                "waits": execution.info.waits, "carried": carried,
            }
        )  # fmt: skip
        try:
            start = self._measured(follow, "The state of the run")
        except NodeError:
            self.moving = False
            raise
        _continue(start)

    def _measured(self, start: StartInput, what: str) -> Any:
        """Return the input of another run as an argument. A run of an older build goes on with one that is not measured."""
        document, limit = start.to_json(), self.start.payload_limit
        return document if limit is None else raw(hand_out(document, what, limit), start.plan_hash)


def _continue(start: Any) -> NoReturn:
    """Continue as new on the build that is current. Without saying so, the next run would stay on this one, and would not be told
    of a newer one either.
    """
    workflow.continue_as_new(
        args=[start], task_timeout=TASK_TIMEOUT,
        initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
    )  # fmt: skip


def _resume_key(step: str, run_index: int, call: str) -> str:
    """Names a wait among those that are open. A tool may be called twice at once, and each call waits for its own."""
    return f"{step}#{run_index}#{call}" if call else f"{step}#{run_index}"


def _may_call(caller: str | None, called: Plan) -> bool:
    """n8n's caller policy; "the same owner" is the tenant, and any of its workflows."""
    policy = called.settings.caller_policy
    if policy == "none":
        return False
    if policy == "workflowsFromAList":
        return caller is not None and caller in called.settings.caller_ids
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
