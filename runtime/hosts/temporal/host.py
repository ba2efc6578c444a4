"""The Temporal host: carries an execution inside a workflow, with timers, activities, signals and children."""

import contextlib
import copy
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, cast

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from runtime.contract import AwaitSignal, NodeError, StartChild
from runtime.expressions import ScriptEvaluator
from runtime.hosts.exception_log import frames
from runtime.hosts.temporal.children import SUMMARY_BYTES, ChildWorkflows
from runtime.hosts.temporal.failures import cause_of
from runtime.hosts.temporal.hand_out import inline, measured, raw
from runtime.hosts.temporal.local_activities import LocalActivities, Unfinished
from runtime.hosts.temporal.script_limits import MONOTONIC, RecordedEvaluator, ReplayLimit
from runtime.hosts.temporal.timeouts import (
    ACTIVITY_TIMEOUT,
    CRASH_RETRY,
    HEARTBEAT_TIMEOUT,
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
from schemas.plan import Kind
from schemas.run import TASK_TIMEOUT, StartInput
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
DRAIN_EVENTS: Final = 25_000
"""Events of a history from which on steps order nothing further although they wait for other workflows: half of the 51,200 at
which Temporal ends the run. Until then a workflow that waits for a person holds up nothing."""
CARRIED_STEPS: Final = "continue as new inside steps"
"""The change from which on a run continues as new in the middle of steps; runs that did not go on to the next boundary."""


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
        self.sequence = 0
        self.local = LocalActivities(extern[MONOTONIC])
        self.children = ChildWorkflows(start, self.local, self.number)
        self.carries: bool | None = None
        """Whether this run may continue as new in the middle of steps; None: it has not come to that."""
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
        self.spent = 0
        activity_id = f"{identifier(step, ID_BYTES)}#{task['run_index']}#{task.get('attempt', 1)}#{self.number()}"
        task["meta"]["activity"] = activity_id
        task["meta"]["chain_id"] = workflow.info().first_execution_run_id
        summary = identifier(step, SUMMARY_BYTES)
        if kind is Kind.LOCAL:
            with contextlib.suppress(Unfinished):
                done = await self.local.run(
                    names.RUN_STEP, self._payloads(task, kind), activity_id=activity_id, summary=summary, result_type=dict
                )  # fmt: skip
                return cast("TaskResult", done)
        try:
            done = await workflow.execute_activity(
                names.RUN_STEP, args=self._payloads(task, Kind.ACTIVITY), activity_id=activity_id, start_to_close_timeout=ACTIVITY_TIMEOUT,
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
            raise NodeError(cause_of(error)) from error
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
        return await self.children.run(step, command, self.workflow_id)

    def number(self) -> int:
        """Return the next of the numbers that tell activities and children of one run apart."""
        self.sequence += 1
        return self.sequence

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
        saved = await self.local.finish(names.SAVE_STATIC_DATA, hand_out(change, "", None))
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
            **({"turn": True} if self.turn else {}), **({"children": self.children.started} if self.children.started else {}),
            **({"waiting": self.waiting} if self.waiting else {}),
        }  # fmt: skip
        follow = self.start.model_copy(
            update={
                "state": execution.state(), "static_data": execution.static_data, "items": [],
                "waits": execution.info.waits, "carried": carried,
            }
        )  # fmt: skip
        try:
            start = measured(follow, "The state of the run")
        except NodeError:
            self.moving = False
            raise
        _continue(start)


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
