"""The Temporal host: a dynamic workflow (its type is the template's key) that carries out an execution's decisions."""

import asyncio
import contextlib
import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, is_cancelled_exception

from runtime.catalog import CATALOG
from runtime.contract import AwaitSignal, NodeError, StartChild
from runtime.expressions import ScriptEvaluator
from runtime.interpreter.execution import Execution
from runtime.interpreter.host import RunView
from runtime.interpreter.journal import journal, result
from runtime.interpreter.previews import previews, said
from runtime.interpreter.run_info import RunInfo
from schemas import names
from schemas.expression import Script
from schemas.kinds import Mode, TriggerKind
from schemas.outcome import Finished
from schemas.plan import Kind, Plan
from schemas.resume_link import child_secret
from schemas.run import TASK_TIMEOUT, Journal, RunResult, StartInput, WebhookAnswer
from schemas.task import Task, TaskResult

EVALUATOR: Final = "tempor8_script_evaluator"
"""Name of the extern function on which scripts run; see `runtime.hosts.temporal.extern`."""
HEARTBEAT: Final = timedelta(seconds=6)
"""An activity whose worker was killed runs again after this long. A worker that starves for a processor misses beats, too: with
3 s, every step of a busy minute was tried again and again."""
ACTIVITY_LIMIT: Final = timedelta(hours=24)
LOCAL_LIMIT: Final = timedelta(minutes=2)
CRASHES: Final = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))
"""Only crashes and faults of a worker are retried here, without end: a node's own error comes back as a result, and
n8n's retries are the engine's."""
ONCE: Final = RetryPolicy(maximum_attempts=1)
"""For a step that its author wants at most once."""
LONGEST_TURN: Final = 30.0
"""Seconds after which a run that waits for its turn asks again, in case nobody told it."""
BUDGET: Final = 8_000
"""Items moved by inline steps in one activation, about 80 ms; then the workflow task ends. Many runs share one
interpreter lock, so this must stay far below the 2 s of the deadlock detector."""
SCRIPT_COST: Final = 100
"""A call of V8 counts like this many items."""
QUICK_COST: Final = 20
"""The same for scripts that Python can do by itself, nearly always."""
MAX_DEPTH: Final = 32
"""How deep workflows may call each other."""
MAX_CHILDREN: Final = 10_000
"""How many other workflows one run may start."""
MOST_OPEN: Final = 1_000
"""How many of those that it does not wait for may be open at a time; Temporal refuses more than 2,000."""


class Host:
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
        again = ONCE if task["step"].get("at_most_once") and kind is Kind.ACTIVITY else CRASHES
        self.sequence += 1
        self.spent = 0
        activity_id = f"{step}#{task['run_index']}#{task.get('attempt', 1)}#{self.sequence}"
        task["meta"]["activity"] = activity_id
        task["meta"]["chain_id"] = workflow.info().first_execution_run_id
        try:
            if kind is Kind.LOCAL:
                done = await workflow.execute_local_activity(
                    names.RUN_STEP, task, activity_id=activity_id, start_to_close_timeout=LOCAL_LIMIT,
                    retry_policy=CRASHES, summary=step, result_type=dict,
                )  # fmt: skip
            else:
                done = await workflow.execute_activity(
                    names.RUN_STEP, task, activity_id=activity_id, start_to_close_timeout=ACTIVITY_LIMIT,
                    heartbeat_timeout=HEARTBEAT, retry_policy=again, summary=step, result_type=dict,
                )  # fmt: skip
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            if again is ONCE:
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

    async def signal(self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None) -> Any:
        """Until the resume signal for this step arrives, or its time is up."""
        key = f"{step}#{run_index}"
        timeout = None if command.until is None else max(0.0, (command.until - self.now()) / 1000)
        assert self.info is not None
        self.spent = 0
        number = self.info.waits if ordinal is None else ordinal
        self.waiting[number] = {
            "ordinal": number, "step": step, "run": run_index, "until": command.until, "config": dict(command.config),
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
        self.resumed[f"{waiting['step']}#{waiting['run']}"] = payload

    async def child(self, step: str, command: StartChild) -> dict[str, Any]:
        """Another workflow of the tenant as a child."""
        if self.start.depth >= MAX_DEPTH:
            raise NodeError(
                f"Workflows call each other more than {MAX_DEPTH} levels deep; '{step}' starts no further one"
            )
        if self.children >= MAX_CHILDREN:
            raise NodeError(f"The run has started {MAX_CHILDREN:,} other workflows; '{step}' starts no further one")
        self.children += 1
        await workflow.wait_condition(lambda: len(self.loose) < MOST_OPEN)
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
            names.FIND_PLAN, {"tenant": self.start.tenant, **command.workflow}, start_to_close_timeout=LOCAL_LIMIT,
            retry_policy=CRASHES, result_type=dict,
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
            self.spent += SCRIPT_COST if any(script.quick is None for script in scripts) else QUICK_COST
        if self.spent > BUDGET:
            await self.sleep(0.001)
        if self.start.trigger_kind == TriggerKind.POLL and execution.plan.step[step].trigger == TriggerKind.POLL:
            await self.save_static_data(
                execution
            )  # how far it has read: the next poll must not wait for this run's end
        if workflow.info().is_continue_as_new_suggested() and not execution.engine.aside:
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
            start_to_close_timeout=LOCAL_LIMIT,
            retry_policy=CRASHES,
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


@workflow.defn(  # type: ignore[call-overload]  # the stubs know either word, the decorator both
    dynamic=True, failure_exception_types=[NodeError, ValueError, KeyError, TypeError, AssertionError]
)
class Run:
    """One run of a template."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        document = workflow.payload_converter().from_payload(args[0].payload, dict)
        self.start = StartInput.model_validate(document)
        if not self.start.execution_id:
            self.start.execution_id = workflow.info().workflow_id
        self.host = Host(self.start)
        self.result: RunResult | None = None
        self.execution: Execution | None = None
        if self.start.plan is not None:
            self._prepare(self.start.plan)

    def _prepare(self, plan: Plan) -> Execution:
        carried = self.start.carried or {}
        self.host.before = carried.get("before", copy.deepcopy(self.start.static_data))
        info = RunInfo(
            tenant=self.start.tenant, execution_id=self.start.execution_id, mode=self.start.mode,
            variables=self.start.variables, base_url=self.start.resume_url, resume_secret=self.start.resume_secret,
            waits=self.start.waits, pinned=self.start.pinned, static_data=self.start.static_data,
        )  # fmt: skip
        self.host.info = info
        self.execution = Execution(plan, CATALOG, self.host, info, state=self.start.state)
        self.host.sequence, self.host.response = carried.get("sequence", 0), carried.get("response")
        self.host.children = carried.get("children", 0)
        self.host.resumed |= carried.get("resumed") or {}
        self.execution.usage, self.execution.custom_data = carried.get("usage", []), carried.get("custom_data", {})
        return self.execution

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> dict[str, Any]:
        """To the end. A failed run fails the workflow with its RunResult as details."""
        del args
        execution = self.execution or self._prepare(await self._current_plan())
        finished = await self._in_turn(execution)
        if finished.status == "error":
            await self._tell_error_workflow(execution.plan, finished)
        done = result(execution, finished, self.host.before)
        self.result = done
        await self.host.save_static_data(execution)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if finished.status == "success":
            return done.model_dump(mode="json")
        error = finished.error or {}
        raise ApplicationError(
            error.get("message") or f"the run ended as {finished.status}", done.model_dump(mode="json"),
            type=finished.status, non_retryable=True,
        )  # fmt: skip

    async def _in_turn(self, execution: Execution) -> Finished:
        """To the end, when it is the run's turn: where its workflow lets only so many run at a time."""
        place = self._line(execution.plan)
        if place is None:
            return await self._finish(execution)
        try:
            if not (self.start.carried or {}).get("turn"):
                await self._wait_for_turn(execution, place)
            self.host.turn = True
            finished = await self._finish(execution)
        except workflow.ContinueAsNewError:  # the place goes along
            raise
        except BaseException:
            await self._give_back(place)
            raise
        await self._give_back(place)
        return finished

    def _line(self, plan: Plan) -> dict[str, Any] | None:
        """The line that the run stands in. Sub-workflows, tests and error workflows stand in none, as in n8n."""
        limit = plan.settings.concurrency
        if limit is None or self.start.depth or self.start.mode in (Mode.MANUAL, Mode.ERROR):
            return None
        key = self.start.template
        if limit.key is not None:
            value: Any = self.start.items[0].get("json") if self.start.items else None
            for name in limit.key.keys:
                value = _inside(value, name)
            text = json.dumps(value, sort_keys=True)
            key = f"{key}:{hashlib.sha256(text.encode()).hexdigest()}"
        return {
            "tenant": self.start.tenant, "key": key, "workflow_id": workflow.info().workflow_id, "limit": limit.limit
        }  # fmt: skip

    async def _wait_for_turn(self, execution: Execution, place: dict[str, Any]) -> None:
        pause = 1.0
        began = self.host.now()
        while True:
            self.host.called = False
            if await self._slot(names.TAKE_SLOT, place):
                execution.active = None
                return
            execution.active = {
                "node": self.start.start or "", "run": 0, "attempt": 1, "started": began, "waiting": True,
                "reason": {"for": "turn"},
            }  # fmt: skip
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(lambda: self.host.called, timeout=pause)
            pause = min(LONGEST_TURN, 2 * pause)

    async def _give_back(self, place: dict[str, Any]) -> None:
        await self._slot(names.GIVE_SLOT_BACK, place)

    async def _slot(self, what: str, place: dict[str, Any]) -> Any:
        return await workflow.execute_local_activity(
            what, place, start_to_close_timeout=LOCAL_LIMIT, retry_policy=CRASHES
        )

    async def _current_plan(self) -> Plan:
        """For a schedule's run: the version that is current now, and the static data as the last run left them."""
        found = await workflow.execute_local_activity(
            names.FIND_PLAN, {"tenant": self.start.tenant, "id": self.start.template, "run": self.start.execution_id},
            start_to_close_timeout=LOCAL_LIMIT, retry_policy=CRASHES, result_type=dict,
        )  # fmt: skip
        if found.get("error"):
            error = {"name": "WorkflowOperationError", "message": found["error"]}
            gone = RunResult(journal=Journal(status="not-started", error=error))
            raise ApplicationError(found["error"], gone.model_dump(mode="json"), type="not-started", non_retryable=True)
        self.start.static_data = found.get("static_data") or {}
        self.start.variables = found.get("variables") or {}
        self.start.resume_url, self.start.resume_secret = found.get("resume_url", ""), found.get("resume_secret", "")
        plan_hash = SearchAttributeKey.for_keyword(names.PLAN_HASH)
        workflow.upsert_search_attributes([plan_hash.value_set(found.get("plan_hash", ""))])
        self.start.plan = Plan.model_validate(found["plan"])
        return self.start.plan

    async def _finish(self, execution: Execution) -> Finished:
        if self.start.state is not None:
            return await self._in_time(execution)
        items: Any = self.start.items  # JSON items
        ended = execution.begin(items, step=self.start.start, prefer=self.start.trigger_kind)
        return ended or await self._in_time(execution)

    async def _in_time(self, execution: Execution) -> Finished:
        """To the end, or to the time-out of the workflow's settings, also in the middle of a step or a wait."""
        deadline = execution.engine.deadline
        if deadline is None:
            return await execution.run()
        try:
            return await asyncio.wait_for(execution.run(), max(0.001, (deadline - self.host.now()) / 1000))
        except TimeoutError:
            return execution.engine.cancel()

    async def _tell_error_workflow(self, plan: Plan, finished: Finished) -> None:
        """n8n: a production run that failed starts its error workflow, or itself where it has an Error Trigger."""
        own = any(step.trigger == "error" and not step.disabled for step in plan.steps)
        target = plan.settings.error_workflow or (self.start.template if own else None)
        if target is None or self.start.mode in (Mode.MANUAL, Mode.ERROR):
            return
        error = finished.error or {}
        run = self.start.execution_id
        kept = {"id": run, "url": f"{self.start.resume_url}/workflows/{run}/status"} if plan.settings.save_error else {}
        about = kept | {
            "error": {"message": error.get("message"), "name": error.get("name"), "node": {"name": error.get("node")}},
            "lastNodeExecuted": finished.last_node, "mode": self.start.mode,
        }  # fmt: skip
        item = {"execution": about, "workflow": {"id": plan.workflow_id or self.start.template, "name": plan.name}}
        command = StartChild({"id": target}, [{"json": item}], wait=False, mode=Mode.ERROR, kind=TriggerKind.ERROR)
        try:
            await self.host.child("error workflow", command)
        except NodeError as gone:  # n8n: the failed run is what it is; the missing workflow is told in the log
            workflow.logger.warning("the error workflow was not started: %s", gone.message)

    @workflow.query(name=names.QUERY_JOURNAL)
    def journal(self) -> Journal:
        """What the run has done so far."""
        if self.result is not None:
            return self.result.journal
        return journal(self.execution) if self.execution else Journal(status="running")

    @workflow.query(name=names.QUERY_PREVIEWS)
    def previews(self) -> dict[str, Any]:
        """What its steps had before them and gave out; see `runtime.interpreter.previews`."""
        return previews(self.execution.engine) if self.execution else {}

    @workflow.query(name=names.QUERY_SAID)
    def said(self) -> list[dict[str, Any]]:
        """What its agents have answered so far; see `runtime.interpreter.previews`."""
        return said(self.execution.engine) if self.execution else []

    @workflow.query(name=names.QUERY_STATE)
    def state(self) -> dict[str, Any]:
        """The whole state of the run: what a retry from a node starts with, and what `tempor8 test` looks at."""
        return {
            "state": self.execution.engine.state() if self.execution else None,
            "static_data": self.execution.static_data if self.execution else {},
            "response": self.host.response,
            "result": self.result.model_dump(mode="json") if self.result else None,
            "mode": self.start.mode,
        }

    @workflow.query(name=names.QUERY_WAITING)
    def waiting(self, ordinal: int | None = None) -> dict[str, Any] | None:
        """The wait for a call with this ordinal, or else the first that stands now, and the credentials that its step names;
        None when there is none.
        """
        standing = self.host.waiting
        if not standing or self.execution is None:
            return None
        waiting = standing[ordinal if ordinal in standing else min(standing)]
        step = self.execution.plan.step[waiting["step"]]
        return waiting | {
            "type": step.type,
            "timezone": self.execution.plan.settings.timezone,
            "credentials": step.model_dump(mode="json")["credentials"],
        }

    @workflow.update(name=names.UPDATE_RESUME, unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def resume_wait(self, ordinal: int, payload: Any, mode: str) -> WebhookAnswer:
        """Somebody used the link of a wait: what they get, by the response mode of the wait."""
        self.host.resume(ordinal, payload)
        return await self._answer(mode)

    @resume_wait.validator
    def _still_waits(self, ordinal: int, payload: Any, mode: str) -> None:
        del payload, mode
        if ordinal not in self.host.waiting:
            raise ApplicationError("this wait is over, or has not begun", type="NotWaiting", non_retryable=True)

    # a run that is cancelled ends before its caller has an answer; the API tells the caller so
    @workflow.update(name=names.UPDATE_WEBHOOK, unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def webhook(self, mode: str) -> WebhookAnswer:
        """The answer to the request that started the run. `mode`: onReceived, lastNode or responseNode."""
        return await self._answer(mode)

    async def _answer(self, mode: str) -> WebhookAnswer:
        if mode == "onReceived":
            return WebhookAnswer(started=True)
        host = self.host
        early = mode == "responseNode"
        await workflow.wait_condition(
            lambda: host.moving or self.result is not None or (early and host.response is not None)
        )
        if self.result is None and not (early and host.response is not None):
            return WebhookAnswer(moved=True)
        return WebhookAnswer(response=self.host.response, finished=None if self.host.response else self.result)

    @workflow.signal(name=names.SIGNAL_TURN)
    def turn(self) -> None:
        """Perhaps it is the run's turn now."""
        self.host.called = True

    @workflow.signal(name=names.SIGNAL_RESUME)
    def resume(self, step: str, run_index: int, payload: Any) -> None:
        """Somebody resumes a step that waits; for one that does not wait (any more) nothing happens."""
        self.host.resumed.setdefault(f"{step}#{run_index}", payload)


def _may_call(caller: Plan | None, called: Plan) -> bool:
    """n8n's caller policy; "the same owner" is the tenant, and any of its workflows."""
    policy = called.settings.caller_policy
    if policy == "none":
        return False
    if policy == "workflowsFromAList":
        return caller is not None and caller.workflow_id in called.settings.caller_ids
    return True


def _inside(value: Any, name: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    return value[name] if isinstance(value, list) and isinstance(name, int) and 0 <= name < len(value) else None


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
