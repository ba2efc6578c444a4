"""The in-process host: `tempor8 test`, conformance, transient templates. Nothing survives the process, as in n8n."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from runtime.contract import AwaitSignal, NodeError, StartChild
from runtime.expressions import ScriptEvaluator
from runtime.expressions.v8 import evaluator_of
from runtime.hosts.exception_log import log_exception
from runtime.hosts.threads import TenantThreads
from runtime.interpreter.border import check_result, hand_out
from runtime.interpreter.capabilities import HostCapabilities
from runtime.interpreter.execution import Execution
from runtime.interpreter.host import RunView
from runtime.interpreter.journal import within_limits
from runtime.interpreter.run_info import RunInfo
from runtime.interpreter.task_parts import split_task
from runtime.interpreter.task_runner import run_task
from runtime.platform.telemetry.logging import get_logger, task_context
from schemas.item import Items
from schemas.node import Catalog
from schemas.outcome import Finished
from schemas.plan import Kind, Plan, Step
from schemas.task import Task, TaskResult

log = get_logger("tempor8.run")
T = TypeVar("T")

_THREADS: Final = TenantThreads()
"""Of all runs in this process."""


def _wall_clock() -> float:
    return time.time() * 1000


class LocalHost:
    """Carries one execution in this process."""

    replays = False

    def __init__(
        self,
        catalog: Catalog,
        capabilities: HostCapabilities,
        *,
        library: Callable[[Mapping[str, Any]], Plan | None] | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Any] | None = None,
        info: RunInfo | None = None,
        depth: int = 0,
    ) -> None:
        self.catalog, self.capabilities, self.library = catalog, capabilities, library
        self.now = self.clock = clock or _wall_clock
        self._sleep = sleep or asyncio.sleep
        self.info = info or RunInfo()
        self.depth = depth
        self.response: dict[str, Any] | None = None
        self.evaluator: ScriptEvaluator = self._evaluate
        self._random = random.Random()  # noqa: S311 - n8n's Math.random

    def _evaluate(self, sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
        """In isolates of the run's tenant."""
        return evaluator_of(self.info.tenant)(sources, request, seconds, apart=apart, final=final)

    def passes(self, error: Exception) -> bool:
        """Nothing: nobody would run the step again."""
        del error
        return False

    def log_exception(self, error: Exception, node: str) -> None:
        """To the log of the process."""
        log_exception(log, error, node)

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """On one of the tenant's threads: the runs of others share this event loop, and so does the API."""
        return await _THREADS.call(self.info.tenant, function, *args)

    def monotonic(self) -> float:
        """Of this machine."""
        return time.monotonic()

    def seed(self) -> int:
        """Fresh every time."""
        return self._random.getrandbits(32)

    async def work(self, task: Task, kind: Kind) -> TaskResult:
        """Right here, within the limits that the task and its result have on Temporal."""
        del kind
        split_task(task, self.info.payload_limit)
        with task_context(task):
            result = await run_task(task, self.catalog, self.capabilities, self.evaluator, self)
        return check_result(task, result)[0]

    async def sleep(self, seconds: float) -> None:
        """In this process."""
        await self._sleep(seconds)

    async def signal(
        self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None, call: str = ""
    ) -> Any:
        """Nobody can resume a run that lives nowhere else; with a limit, time passes."""
        del run_index, ordinal, call
        if command.until is None:
            raise NodeError(f"'{step}' waits for a call from outside, which a local run cannot receive")
        await self._sleep(max(0.0, (command.until - self.now()) / 1000))
        return None

    async def child(self, step: str, command: StartChild) -> dict[str, Any]:
        """Run another workflow in this process."""
        hand_out(command.items, f"The input of the workflow that '{step}' calls", self.info.payload_limit)
        plan = self.library(command.workflow) if self.library else None
        if plan is None:
            raise NodeError("Workflow does not exist.")
        host = LocalHost(
            self.catalog,
            self.capabilities,
            library=self.library,
            clock=self.clock,
            sleep=self._sleep,
            depth=self.depth + 1,
        )
        info = RunInfo(
            tenant=self.info.tenant, execution_id=f"{self.info.execution_id}.{self.depth + 1}", mode=str(command.mode),
            payload_limit=self.info.payload_limit,
        )  # fmt: skip
        execution, finished = await run_local(plan, host, info, command.items, prefer=command.kind)
        if host.response is not None:
            self.respond(host.response)
        return {
            "status": finished.status,
            "outputs": execution.result(),
            "error": finished.error,
            "execution_id": info.execution_id,
        }

    def respond(self, response: Mapping[str, Any]) -> None:
        """Keep the first response."""
        if self.response is None:
            self.response = dict(response)

    def patched(self, change: str) -> bool:
        """Every decision is made here and now."""
        del change
        return True

    def activation(self) -> int:
        """There is only one."""
        return 0

    def should_continue_inside(self) -> bool:
        """A run has no history here."""
        return False

    def holds_back(self, *, waits_for_child: bool) -> bool:
        """Never."""
        del waits_for_child
        return False

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for ever: no condition here comes true."""
        del condition
        await asyncio.get_running_loop().create_future()

    async def continue_inside(self, execution: RunView) -> None:
        """Never asked for."""

    async def boundary(self, execution: RunView, step: str) -> None:
        """Nobody watches."""


async def run_local(
    plan: Plan, host: LocalHost, info: RunInfo, items: Items, *, start: Step | None = None, prefer: str | None = None
) -> tuple[Execution, Finished]:
    """Run a plan to its end in this process. `prefer` names the trigger kind to start at when `start` is not given."""
    host.info = info
    execution = Execution(plan, host.catalog, host, info)
    ended = execution.begin(items, step=start.name if start else None, prefer=prefer)
    return execution, ended or within_limits(execution, await execution.run())
