"""What carries an execution: Temporal in production, this process in tests and for transient templates."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from runtime.contract import AwaitSignal, StartChild
from runtime.engine.machine import Engine
from runtime.expressions import ScriptEvaluator
from runtime.interpreter.failures import ExceptionPolicy
from runtime.interpreter.run_info import RunInfo
from schemas.plan import Kind, Plan
from schemas.task import Task, TaskResult

__all__ = ["Host", "RunView"]


class RunView(Protocol):
    """What a host sees of the execution that it carries."""

    plan: Plan
    engine: Engine
    info: RunInfo
    static_data: dict[str, Any]
    custom_data: dict[str, str]
    usage: list[dict[str, Any]]

    def state(self) -> dict[str, Any]:
        """Return the engine's state, with how far the open steps are; an execution with it goes on in the middle of them."""

    def settled(self) -> bool:
        """Return whether nothing is open but what `state` carries: timers, waits for calls, commands that did not begin."""


class Host(ExceptionPolicy, Protocol):
    """What carries an execution: Temporal in production, in-process in tests and for transient templates."""

    replays: bool
    """Whether this code runs again on the recorded history: then nothing here may depend on how long it takes."""
    evaluator: ScriptEvaluator
    """What the scripts of expressions run on. Where this code runs again, a ScriptLimit that it raises is raised again."""

    def now(self) -> float:
        """Milliseconds since the epoch; the same on replay."""

    def seed(self) -> int:
        """A random seed; the same on replay."""

    async def work(self, task: Task, kind: Kind) -> TaskResult:
        """Run a task as an activity (or local activity). A node's error comes back as `error`."""

    async def sleep(self, seconds: float) -> None:
        """A durable timer."""

    async def signal(
        self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None, call: str = ""
    ) -> Any:
        """Wait until this step is resumed. None when its time is up. `ordinal`: of the wait, where it was given before;
        `call`: which call of a tool waits.
        """

    async def child(self, step: str, command: StartChild) -> dict[str, Any]:
        """Run another workflow: {'status', 'outputs', 'error', 'execution_id'}."""

    def respond(self, response: Mapping[str, Any]) -> None:
        """Answer the webhook request that started the run; the first answer counts."""

    def patched(self, change: str) -> bool:
        """Return whether a decision is made as this code makes it; False: the run made it before the change of this name."""

    def activation(self) -> int:
        """A number that changes with every workflow task; the same on replay."""

    def should_continue_inside(self) -> bool:
        """Return whether the run is to continue as new as soon as it may, in the middle of a step. Without effects, so that it
        may be part of a condition.
        """

    def holds_back(self, *, waits_for_child: bool) -> bool:
        """Return whether steps order nothing further because the run is to continue as new. `waits_for_child`: the step has
        other workflows open, which may take any time.
        """

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on what the run knows holds. Costs no event."""

    async def continue_inside(self, execution: RunView) -> None:
        """Continue as new in the middle of the open steps, which ends this run. Returns when something else came in first."""

    async def boundary(self, execution: RunView, step: str) -> None:
        """A step is over and its outcome is in the engine's state: time to yield, to tell whoever watches, to continue
        as new.
        """
