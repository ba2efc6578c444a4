"""What carries an execution: Temporal in production, this process in tests and for transient templates."""

from collections.abc import Mapping
from typing import Any, Protocol

from runtime.contract import AwaitSignal, StartChild
from runtime.engine.machine import Engine
from runtime.expressions import ScriptEvaluator
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


class Host(Protocol):
    """What carries an execution: Temporal in production, in-process in tests and for transient templates."""

    replays: bool
    """Whether this code runs again on the recorded history: then nothing here may depend on how long it takes."""
    evaluator: ScriptEvaluator
    """What the scripts of expressions run on."""

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

    async def boundary(self, execution: RunView, step: str) -> None:
        """A step is over and its outcome is in the engine's state: time to yield, to tell whoever watches, to continue
        as new.
        """
