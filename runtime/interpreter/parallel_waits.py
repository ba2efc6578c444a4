"""Waits that run beside the rest of the execution, where the workflow's settings want them to overlap."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.outcome import Delay, Execute, Outcome

if TYPE_CHECKING:
    from runtime.interpreter.execution import Execution


class Overlapping:
    """The steps of an execution that were set aside while they wait, and come back when they are done."""

    def __init__(self, execution: "Execution") -> None:
        self._execution = execution
        self._open: dict[int, tuple[Execute, asyncio.Task[None]]] = {}
        self._ended: asyncio.Queue[tuple[int, Outcome | Exception]] = asyncio.Queue()

    def takes(self, execute: Execute) -> bool:
        """Set the step aside when it is a wait. One for a call gets the number of its links now: the next has another."""
        if not self._execution.plan.settings.overlapping_waits or execute.step.overlaps is None:
            return False
        info = self._execution.info
        if execute.step.overlaps == "call":
            execute = replace(execute, ordinal=info.waits)
            info.waits += 1
        number = self._execution.engine.set_aside()
        self._open[number] = (execute, asyncio.create_task(self._wait(number, execute)))
        return True

    async def settle(self) -> None:
        """Take up those that are over."""
        while not self._ended.empty():
            await self._take_up(*self._ended.get_nowait())

    async def next(self) -> None:
        """Until one is over, and take it up."""
        execution, (first, _) = self._execution, next(iter(self._open.values()))
        reason = execution.reasons.get((first.step.name, first.run_index), {"for": "time"})
        execution.active = {
            "node": first.step.name, "run": first.run_index, "attempt": 1, "started": execution.host.now(),
            "waiting": True, "reason": reason,
        }  # fmt: skip
        try:
            ended = await self._ended.get()
        finally:
            execution.active = None
        await self._take_up(*ended)

    def cancel(self) -> None:
        """Nobody waits any more."""
        for _, task in self._open.values():
            task.cancel()

    async def _take_up(self, number: int, ended: Outcome | Exception) -> None:
        del self._open[number]
        if isinstance(ended, Exception):
            raise ended
        execution = self._execution
        step = execution.engine.take_up(number).step
        delay = execution.engine.complete(ended)
        if isinstance(delay, Delay):
            await execution.host.sleep(delay.seconds)
            await execution.carry_out(execution.engine.retry())
        await execution.host.boundary(execution, step.name)

    async def _wait(self, number: int, execute: Execute) -> None:
        try:
            self._ended.put_nowait((number, await self._execution.attempt(execute, aside=True)))
        except Exception as fault:  # noqa: BLE001 - a fault of the host ends the run; kept to itself it would hang it
            self._ended.put_nowait((number, fault))
