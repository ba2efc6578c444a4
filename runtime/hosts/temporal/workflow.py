"""The workflow of a run: a dynamic workflow, whose type is the template's key, with its queries, updates and signals."""

import asyncio
import copy
from collections.abc import Sequence
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey
from temporalio.exceptions import ApplicationError

from runtime.catalog import CATALOG
from runtime.contract import NodeError, StartChild
from runtime.engine.run_items import items_page
from runtime.hosts.temporal.hand_out import raw
from runtime.hosts.temporal.host import TemporalHost
from runtime.hosts.temporal.plans import plan_by_hash
from runtime.hosts.temporal.queries import answer, answer_page, answer_prefix, text_part
from runtime.hosts.temporal.retry_details import retry_details
from runtime.hosts.temporal.run_end import input_bytes, tell_end
from runtime.hosts.temporal.turns import in_turn
from runtime.interpreter.border import failure_message, hand_out
from runtime.interpreter.execution import Execution
from runtime.interpreter.failures import run_fault
from runtime.interpreter.journal import journal, page_of, result, result_bytes, within_limits
from runtime.interpreter.previews import previews, said
from runtime.interpreter.run_info import RunInfo
from schemas import names
from schemas.kinds import Mode, TriggerKind
from schemas.outcome import Finished
from schemas.plan import Plan
from schemas.response_mode import streams
from schemas.run import ItemsPage, Journal, JournalPage, RunReply, RunResult, StartInput

__all__ = ["TemplateWorkflow"]

NOT_STARTED: Final = "not-started"
SCHEDULED_BY: Final = SearchAttributeKey.for_keyword("TemporalScheduledById")
"""Temporal sets it on each run that a schedule starts."""


@workflow.defn(  # type: ignore[call-overload]  # the stubs know either word, the decorator both
    dynamic=True, failure_exception_types=[NodeError, ValueError, KeyError, TypeError, AssertionError]
)
class TemplateWorkflow:
    """One run of a template."""

    @workflow.init
    def __init__(self, args: Sequence[RawValue]) -> None:
        self.fault: Exception | None = None
        """Why the run cannot begin."""
        self.start, self.fault = _start_input(args[0])
        self.input = input_bytes(args[0])
        if not self.start.execution_id:
            self.start.execution_id = workflow.info().workflow_id
        self.host = TemporalHost(self.start)
        self.result: RunResult | None = None
        self.execution: Execution | None = None
        self.died = 0
        """Workers that a task of this run has ended; then the run ends."""
        self.main: asyncio.Task[Any] | None = None
        try:
            if self.start.plan is not None:
                self._prepare(self.start.plan)
            elif self.start.plan_hash:
                self._prepare(plan_by_hash(self.start.tenant, self.start.plan_hash))
        except Exception as error:  # noqa: BLE001 - `run` ends the run by it
            self.fault = error

    def _prepare(self, plan: Plan) -> Execution:
        carried = self.start.carried or {}
        self.host.before = carried.get("before", copy.deepcopy(self.start.static_data))
        info = RunInfo(
            tenant=self.start.tenant, execution_id=self.start.execution_id, mode=self.start.mode,
            variables=self.start.variables, base_url=self.start.resume_url, resume_secret=self.start.resume_secret,
            waits=self.start.waits, pinned=self.start.pinned, static_data=self.start.static_data,
            payload_limit=self.start.payload_limit, streams=streams(plan.steps, self.start.trigger_kind, self.start.start),
        )  # fmt: skip
        self.host.info, self.host.workflow_id = info, plan.workflow_id
        self.execution = Execution(plan, CATALOG, self.host, info, state=self.start.state)
        self.host.sequence, self.host.response = carried.get("sequence", 0), carried.get("response")
        self.host.children.started = carried.get("children", 0)
        self.host.resumed |= carried.get("resumed") or {}
        self.host.waiting |= {int(ordinal): each for ordinal, each in carried.get("waiting", {}).items()}
        self.execution.usage, self.execution.custom_data = carried.get("usage", []), carried.get("custom_data", {})
        return self.execution

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> RawValue:
        """Execute the plan to completion. A failed run fails the workflow with its RunResult as details."""
        del args
        finished = await self._finished()
        if finished.status == "error":
            await self._tell_error_workflow(finished)
        finished, done = self._result(finished)
        if self.start.archived:
            done.response = self.host.response
        self.result = done
        if self.execution is not None:
            await self.host.save_static_data(self.execution)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if finished.status == "success":
            data = result_bytes(done, self.start.payload_limit)
            tell_end(self.start, self.input, data)
            return raw(data)
        message = str((finished.error or {}).get("message") or f"the run ended as {finished.status}")
        raise self._failure(message, done, finished.status)

    def _failure(self, message: str, details: RunResult, type_: str) -> ApplicationError:
        """Return the failure of the run. Temporal takes a short message; the whole text is in the details."""
        data = raw(result_bytes(details, self.start.payload_limit))
        state = retry_details(self.execution, self.start) if self.start.archived else ()
        return ApplicationError(failure_message(message), data, *state, type=type_, non_retryable=True)

    async def _finished(self) -> Finished:
        """Run to the end. An exception that nothing has made a step's error ends the run, too, unless it is Temporal's own:
        a history that does not fit fails the workflow task, which a mended build takes up again.
        """
        if self.fault is not None:
            return self._aborted(self.fault)
        if self.died:
            return self._poisonous()
        self.main = asyncio.current_task()
        try:
            execution = self.execution or self._prepare(await self._current_plan())
            return within_limits(execution, await in_turn(self.host, execution, lambda: self._finish(execution)))
        except asyncio.CancelledError:
            if not self.died:
                raise
            if self.main is not None:
                self.main.uncancel()
            return self._poisonous()
        except Exception as error:  # noqa: BLE001 - see `_aborted`
            return self._aborted(error)
        finally:
            self.main = None

    def _poisonous(self) -> Finished:
        """End the run, whose next step or script would end another worker."""
        error = NodeError(
            f"The worker died {self.died} times in a task of this run",
            description="It was killed, ran out of memory, or stood still. Give the run less data at once, or the worker more "
            "memory; then retry it.",
        ).to_json()
        if self.execution is None:
            return Finished("error", None, error)
        return self.execution.engine.abort(error)

    def _aborted(self, error: Exception) -> Finished:
        if self.host.passes(error) or (isinstance(error, ApplicationError) and error.type == NOT_STARTED):
            raise error
        if self.execution is not None:
            return self.execution.abort(error)
        self.host.log_exception(error, "")
        return Finished("error", None, run_fault(error))

    def _result(self, finished: Finished) -> tuple[Finished, RunResult]:
        """Return the end of the run with what it leaves: without a plan, or where that cannot be built, its error alone."""
        try:
            if self.execution is not None:
                return finished, result(self.execution, finished, self.host.before)
        except Exception as error:  # noqa: BLE001 - see `_aborted`
            finished = self._aborted(error)
        return finished, RunResult(journal=Journal(status=finished.status, error=finished.error))

    async def _current_plan(self) -> Plan:
        """For a schedule's run: the version that is current now, and the static data as the last run left them."""
        asked = {
            "tenant": self.start.tenant,
            "id": self.start.template,
            "run": self.start.execution_id,
            "schedule": _schedule(),
        }
        found = await self.host.local.finish(names.FIND_PLAN, hand_out(asked, "", None), dict)
        if found.get("error"):
            error = {"name": "WorkflowOperationError", "message": found["error"]}
            gone = RunResult(journal=Journal(status=NOT_STARTED, error=error))
            raise self._failure(found["error"], gone, NOT_STARTED)
        self.start.static_data = found.get("static_data") or {}
        self.start.variables, self.start.payload_limit = found.get("variables") or {}, found.get("payload_limit")
        self.start.tenant_limit = found.get("tenant_limit")
        self.start.archived = found.get("archived", False)
        self.start.resume_url, self.start.resume_secret = found.get("resume_url", ""), found.get("resume_secret", "")
        plan_hash = SearchAttributeKey.for_keyword(names.PLAN_HASH)
        workflow.upsert_search_attributes([plan_hash.value_set(found.get("plan_hash", ""))])
        if "plan" in found:
            self.start.plan = Plan.model_validate(found["plan"])
            return self.start.plan
        self.start.plan_hash = found["plan_hash"]
        return plan_by_hash(self.start.tenant, self.start.plan_hash)

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

    async def _tell_error_workflow(self, finished: Finished) -> None:
        """n8n: a production run that failed starts its error workflow, or itself where it has an Error Trigger."""
        plan = self.execution.plan if self.execution else self.start.plan
        if plan is None:
            return
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
        except Exception as error:
            if self.host.passes(error):
                raise
            self.host.log_exception(error, "error workflow")

    @workflow.query(name=names.QUERY_JOURNAL)
    def journal(self, page: dict[str, Any] | None = None) -> RawValue:
        """What the run has done so far: a `Journal`. `page` is a `JournalPage`; without it, the answer has all steps."""
        execution, ended = self.execution, self.result
        if execution is None:
            return answer(Journal(status="running"))
        if page is None:
            return answer(ended.journal if ended else journal(execution))
        asked = JournalPage.model_validate(page)
        return answer_page(asked, lambda it: page_of(ended.journal, it) if ended else journal(execution, page=it))

    @workflow.query(name=names.QUERY_PREVIEWS)
    def previews(self, page: dict[str, Any] | None = None) -> RawValue:
        """What its steps had before them and gave out; see `runtime.interpreter.previews`. `page` is a `JournalPage`."""
        if self.execution is None:
            return answer({})
        engine = self.execution.engine
        asked = JournalPage() if page is None else JournalPage.model_validate(page)
        return answer(previews(engine)) if page is None else answer_page(asked, lambda it: previews(engine, it))

    @workflow.query(name=names.QUERY_ITEMS)
    def items(self, page: dict[str, Any]) -> RawValue:
        """Items that a run of a node had before it or gave out: an `ItemsAnswer`; empty: they are not known. `page` is an `ItemsPage`."""
        asked = ItemsPage.model_validate(page)
        run = self.execution
        found = items_page(run.engine.runs, asked, run.as_json) if run else None
        return answer(found or {})

    @workflow.query(name=names.QUERY_SAID)
    def said(self, since: int = 0) -> RawValue:
        """What its agents have answered so far, from the answer number `since` on; see `runtime.interpreter.previews`."""
        return answer_prefix(said(self.execution.engine)[since:] if self.execution else [])

    @workflow.query(name=names.QUERY_STATE)
    def state(self, part: dict[str, int] | None = None) -> RawValue:
        """The whole state of the run: what a retry from a node starts with, and what `tempor8 test` looks at. With `part`
        ({"at": characters}), a part of its JSON text, see `runtime.hosts.temporal.queries`.
        """
        state = {
            "state": self.execution.as_json(self.execution.engine.state()) if self.execution else None,
            "static_data": self.execution.static_data if self.execution else {},
            "response": self.host.response,
            "result": self.result.model_dump(mode="json") if self.result else None,
            "mode": self.start.mode,
        }
        return answer(state if part is None else text_part(state, part["at"]))

    @workflow.query(name=names.QUERY_WAITING)
    def waiting(self, ordinal: int | None = None) -> RawValue:
        """The wait for a call with this ordinal, or else the first that stands now, and the credentials that its step names;
        null when there is none.
        """
        standing = self.host.waiting
        if not standing or self.execution is None:
            return answer(None)
        waiting = standing[ordinal if ordinal in standing else min(standing)]
        step = self.execution.plan.step[waiting["step"]]
        about = {
            "type": step.type,
            "timezone": self.execution.plan.settings.timezone,
            "credentials": step.model_dump(mode="json")["credentials"],
        }
        return answer(waiting | about)

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

    @workflow.signal(name=names.SIGNAL_DEATHS)
    def deaths(self, number: int) -> None:
        """So many workers ended in the workflow task that this signal comes with: end the run before it goes on."""
        self.died = number
        if self.main is not None:
            self.main.cancel()

    @workflow.signal(name=names.SIGNAL_UPGRADE)
    def upgrade(self) -> None:
        """Another build is current: go over to it as soon as the run can. The wake-up is all: Temporal says which build."""

    @workflow.signal(name=names.SIGNAL_RESUME)
    def resume(self, step: str, run_index: int, payload: Any) -> None:
        """Somebody resumes a step that waits; for one that does not wait (any more) nothing happens."""
        self.host.resumed.setdefault(f"{step}#{run_index}", payload)


def _start_input(raw: RawValue) -> tuple[StartInput, Exception | None]:
    """Return the input of a run. One that does not validate gives an input without a plan, and the exception."""
    try:
        document = workflow.payload_converter().from_payload(raw.payload, dict)
        return StartInput.model_validate(document), None
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must end by it
        return StartInput(tenant="", template=workflow.info().workflow_type), error


def _schedule() -> str | None:
    """Return the id of the schedule that started this run; None: nothing of the kind did."""
    return workflow.info().typed_search_attributes.get(SCHEDULED_BY)
