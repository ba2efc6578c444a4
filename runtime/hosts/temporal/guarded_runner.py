"""Workflow tasks of runs that a worker takes up from their history: each is noted before it runs, since another worker may have died
of it. A run whose task has ended too many workers is told so by a signal, and ends by it; see `TemplateWorkflow.deaths`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.common import MetricMeter
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

from runtime.hosts.temporal.deaths import TaskGuard
from runtime.platform.telemetry.logging import get_logger
from schemas import names

__all__ = ["GuardedRunner", "TaskEndsWorkers"]

log = get_logger("tempor8.worker")

FIRST_TASK_EVENTS: Final = 3
"""Events before the first workflow task of a run runs for the first time."""
NOTE_SECONDS: Final = 1.5
"""Seconds that a workflow task waits for its note, of the five that its first attempt may take. Without a note it runs all the same."""
SLOW_SECONDS: Final = 0.25
"""Seconds of processor time from which on an activation counts for its tenant in the metrics."""
T = TypeVar("T")

Tell = Callable[[str, str, int], Awaitable[None]]
"""Tells a run (workflow id, run id) how many workers a task of it has ended."""


class TaskEndsWorkers(Exception):
    """Fails a workflow task that is not to run again. The next one has the signal."""


class GuardedRunner(WorkflowRunner):
    """Runs workflow code without a sandbox, with a note where it may be poison.

    Args:
        guard: of the worker.
        tell: see `Tell`.
        meter: counts the time of long activations by tenant: an author's scripts, or many items.
    """

    def __init__(self, guard: TaskGuard, tell: Tell, meter: MetricMeter) -> None:
        self._slow = meter.create_counter(
            "tempor8_slow_workflow_task_milliseconds", "Processor time of activations of workflows that took long", "ms"
        )
        self._inner = UnsandboxedWorkflowRunner()
        self._guard, self._tell = guard, tell
        self._loop: asyncio.AbstractEventLoop | None = None

    def prepare_workflow(self, defn: Any) -> None:
        """See base class."""
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See base class. The worker calls it on its event loop."""
        self._loop = asyncio.get_running_loop()
        return _Guarded(self._inner.create_instance(det), self)

    def run(self, inner: WorkflowInstance, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Hand an activation on, and count its time."""
        began = time.thread_time()
        try:
            return inner.activate(act)
        finally:
            spent = time.thread_time() - began
            if spent >= SLOW_SECONDS:
                self._slow.add(round(spent * 1000), {"tenant": names.tenant_of(inner.get_info().workflow_id)})

    def wait(self, work: Awaitable[T], otherwise: T) -> T:
        """Return what work on the worker's event loop gives; `otherwise` where it fails or takes too long. Called by workflow threads."""

        async def done() -> T:
            return await work

        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(done(), self._loop)
        try:
            return future.result(NOTE_SECONDS)
        except Exception as error:  # noqa: BLE001 - the run goes on without its note
            future.cancel()
            log.warning("a workflow task runs without its note", error=type(error).__name__)
            return otherwise

    def begin(self, info: Info, history_length: int) -> None:
        """Note that a workflow task begins. Raises TaskEndsWorkers when it has ended too many workers."""
        self._guard.resume(info.run_id)
        task = self._task(info, history_length)
        deaths = self.wait(self._guard.begin(*task), 0)
        if deaths < self._guard.limit:
            return
        log.error("a workflow task has ended its worker again and again", workflow_id=info.workflow_id, deaths=deaths)
        if self.wait(self._told(info, deaths), False):
            self.end(info, history_length)
            raise TaskEndsWorkers(f"it has ended {deaths} workers; its run is told so")
        self._go_on(self._guard.release(task[2]))
        raise TaskEndsWorkers(f"it has ended {deaths} workers; its run is told so at the next attempt")

    async def _told(self, info: Info, deaths: int) -> bool:
        await self._tell(info.workflow_id, info.run_id, deaths)
        return True

    def end(self, info: Info, history_length: int) -> None:
        """Note that it has ended, and the worker lives. Nobody waits for that."""
        self._go_on(self._guard.end(*self._task(info, history_length)))

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        """Leave work to the worker's event loop."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def settle(self, run_id: str) -> None:
        """Note that a workflow task has ended on this worker: what comes now is new, and no other worker has died of it."""
        self._guard.settle(run_id)

    def _task(self, info: Info, history_length: int) -> tuple[str, str, str]:
        return names.tenant_of(info.workflow_id), info.workflow_id, f"{info.run_id}@{history_length}"


class _Guarded(WorkflowInstance):
    """Hands everything on; the first activation that does something new has its note."""

    def __init__(self, inner: WorkflowInstance, runner: GuardedRunner) -> None:
        self._inner, self._runner = inner, runner
        self._fresh, self._length = True, 0

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """See base class."""
        if not self._fresh and act.history_length > self._length:
            self._runner.settle(act.run_id)
        if not self._fresh or act.is_replaying or all(job.HasField("query_workflow") for job in act.jobs):
            return self._runner.run(self._inner, act)
        self._fresh, self._length = False, act.history_length
        if act.history_length <= FIRST_TASK_EVENTS:
            return self._runner.run(self._inner, act)
        info = self._inner.get_info()
        self._runner.begin(info, act.history_length)
        completion = self._runner.run(self._inner, act)
        self._runner.end(info, act.history_length)
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        """See base class."""
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        """See base class."""
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """See base class."""
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        """See base class."""
        return self._inner.get_thread_id()
