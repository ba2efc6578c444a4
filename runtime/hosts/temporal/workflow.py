"""The workflow of a run: a dynamic workflow, whose type is the template's key, with its queries, updates and signals."""

import asyncio
import copy
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey
from temporalio.exceptions import ApplicationError

from runtime.catalog import CATALOG
from runtime.contract import NodeError, StartChild
from runtime.hosts.temporal.host import TemporalHost
from runtime.hosts.temporal.timeouts import CRASH_RETRY, LOCAL_ACTIVITY_TIMEOUT
from runtime.hosts.temporal.turns import in_turn
from runtime.interpreter.execution import Execution
from runtime.interpreter.journal import journal, result
from runtime.interpreter.previews import previews, said
from runtime.interpreter.run_info import RunInfo
from schemas import names
from schemas.kinds import Mode, TriggerKind
from schemas.outcome import Finished
from schemas.plan import Plan
from schemas.run import Journal, RunReply, RunResult, StartInput

__all__ = ["TemplateWorkflow"]


@workflow.defn(  # type: ignore[call-overload]  # the stubs know either word, the decorator both
    dynamic=True, failure_exception_types=[NodeError, ValueError, KeyError, TypeError, AssertionError]
)
class TemplateWorkflow:
    """One run of a template."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        document = workflow.payload_converter().from_payload(args[0].payload, dict)
        self.start = StartInput.model_validate(document)
        if not self.start.execution_id:
            self.start.execution_id = workflow.info().workflow_id
        self.host = TemporalHost(self.start)
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
        """Execute the plan to completion. A failed run fails the workflow with its RunResult as details."""
        del args
        execution = self.execution or self._prepare(await self._current_plan())
        finished = await in_turn(self.host, execution, lambda: self._finish(execution))
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

    async def _current_plan(self) -> Plan:
        """For a schedule's run: the version that is current now, and the static data as the last run left them."""
        found = await workflow.execute_local_activity(
            names.FIND_PLAN, {"tenant": self.start.tenant, "id": self.start.template, "run": self.start.execution_id},
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT, retry_policy=CRASH_RETRY, result_type=dict,
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
    async def resume_wait(self, ordinal: int, payload: Any, mode: str) -> RunReply:
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
    async def webhook(self, mode: str) -> RunReply:
        """The answer to the request that started the run. `mode`: onReceived, lastNode or responseNode."""
        return await self._answer(mode)

    async def _answer(self, mode: str) -> RunReply:
        if mode == "onReceived":
            return RunReply(started=True)
        host = self.host
        early = mode == "responseNode"
        await workflow.wait_condition(
            lambda: host.moving or self.result is not None or (early and host.response is not None)
        )
        if self.result is None and not (early and host.response is not None):
            return RunReply(moved=True)
        return RunReply(response=self.host.response, finished=None if self.host.response else self.result)

    @workflow.signal(name=names.SIGNAL_TURN)
    def turn(self) -> None:
        """Perhaps it is the run's turn now."""
        self.host.called = True

    @workflow.signal(name=names.SIGNAL_RESUME)
    def resume(self, step: str, run_index: int, payload: Any) -> None:
        """Somebody resumes a step that waits; for one that does not wait (any more) nothing happens."""
        self.host.resumed.setdefault(f"{step}#{run_index}", payload)
