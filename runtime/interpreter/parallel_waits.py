"""Waits that go on while the rest of the execution runs, where the workflow's settings let them overlap."""

import asyncio
from dataclasses import replace
from typing import Any, Protocol

from runtime.engine.machine import Engine
from runtime.interpreter.host import Host, RunView
from schemas.outcome import Delay, Execute, Outcome

__all__ = ["ParallelWaits"]


class Steps(RunView, Protocol):
    """The execution whose steps wait."""

    engine: Engine
    host: Host
    active: dict[str, Any] | None
    reasons: dict[tuple[str, int], dict[str, Any]]

    async def run_attempt(self, execute: Execute, *, parked: int | None = None) -> Outcome:
        """Run one try of a step."""

    def complete(self, outcome: Outcome) -> Delay | None:
        """Record how the current attempt ended."""

    async def run_step(self, execute: Execute) -> None:
        """Run a step until its outcome is final."""


class ParallelWaits:
    """The steps of an execution that are parked while they wait, and resume when their wait is over."""

    def __init__(self, execution: Steps) -> None:
        self._execution = execution
        self._open: dict[int, tuple[Execute, asyncio.Task[None]]] = {}
        self._ended: asyncio.Queue[tuple[int, Outcome | Exception] | None] = asyncio.Queue()
        """Numbers of parked steps with their ends; None: the run may continue as new."""
        self._woken = False

    def park(self, execute: Execute) -> bool:
        """Park a step that waits, and return whether it does. A wait for a call gets the number of its links now: the next wait
        has another.
        """
        if not self._execution.plan.settings.overlapping_waits or execute.step.overlaps is None:
            return False
        info = self._execution.info
        if execute.step.overlaps == "call":
            execute = replace(execute, ordinal=info.waits)
            info.waits += 1
        self._begin(self._execution.engine.park(), execute)
        return True

    def resume(self) -> None:
        """Go on with the steps that were parked in the run that continued as this one, each with the number of its wait."""
        engine = self._execution.engine
        for number in engine.parked:
            execute, progress = engine.execute_parked(number), engine.progress[number]
            self._begin(number, replace(execute, ordinal=progress["ordinal"], run_index=progress["run_index"]))

    def _begin(self, number: int, execute: Execute) -> None:
        self._open[number] = (execute, asyncio.create_task(self._wait(number, execute)))

    async def collect(self) -> None:
        """Resume the steps whose waits are over."""
        while not self._ended.empty():
            if (ended := self._ended.get_nowait()) is not None:
                await self._resume(*ended)

    async def wait_any(self) -> None:
        """Wait until any parked step finishes, then resume it."""
        execution, (first, _) = self._execution, next(iter(self._open.values()))
        reason = execution.reasons.get((first.step.name, first.run_index), {"for": "time"})
        execution.active = {
            "node": first.step.name, "run": first.run_index, "attempt": 1, "started": execution.host.now(),
            "waiting": True, "reason": reason,
        }  # fmt: skip
        self._woken = False
        watch = asyncio.create_task(self._watch())
        try:
            while (ended := await self._ended.get()) is None:
                await execution.host.continue_inside(execution)
                self._woken = False
        finally:
            watch.cancel()
            execution.active = None
        await self._resume(*ended)

    async def _watch(self) -> None:
        """Wake whoever waits when the run is to continue as new and may."""
        execution, host = self._execution, self._execution.host
        while True:
            await host.until(lambda: not self._woken and host.should_continue_inside() and execution.settled())
            self._woken = True
            self._ended.put_nowait(None)

    def cancel(self) -> None:
        """Cancel all waits."""
        for _, task in self._open.values():
            task.cancel()

    async def _resume(self, number: int, ended: Outcome | Exception) -> None:
        del self._open[number]
        if isinstance(ended, Exception):
            raise ended
        execution = self._execution
        step = execution.engine.unpark(number).step
        delay = execution.complete(ended)
        if isinstance(delay, Delay):
            await execution.host.sleep(delay.seconds)
            await execution.run_step(execution.engine.retry())
        await execution.host.boundary(execution, step.name)

    async def _wait(self, number: int, execute: Execute) -> None:
        try:
            self._ended.put_nowait((number, await self._execution.run_attempt(execute, parked=number)))
        except Exception as fault:  # noqa: BLE001 - a fault of the host ends the run; kept to itself it would hang it
            self._ended.put_nowait((number, fault))
