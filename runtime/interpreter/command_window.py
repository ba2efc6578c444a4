"""The commands of a durable step: which are open, and which wait until fewer are."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from runtime.contract import AwaitSignal, Call, Command, Event, RunTool, Sleep, StartChild
from runtime.interpreter.command_codec import command_bytes, command_to_json, innermost, until
from runtime.interpreter.host import Host
from schemas.item import Items

__all__ = ["CommandWindow"]

MAX_OPEN_TASKS: Final = 50
"""Activities of one step that are open at a time: as many as a worker has slots for, so that more would only queue, and far below
the 2,000 that Temporal refuses."""
MAX_OPEN_WORKFLOWS: Final = 500
"""Other workflows that one step waits for at a time. More than activities, since they may wait for a person."""
MAX_WAVE: Final = 50
"""Commands of one step in one workflow task, which must be answered within its time-out."""
MAX_WAVE_BYTES: Final = 1_000_000
"""Size of their input: a quarter of the 4 MiB that gRPC carries, since a task has its step's parameters too."""
BREATH_SECONDS: Final = 0.001
"""Length of the timer that ends a workflow task between two waves."""
WAVES: Final = "waves of commands"
"""The change from which on commands go out in waves; runs that began more at once before go on so."""


class CommandWindow:
    """Begins the commands of one step in their order, so many and so large at a time, and queues their events in the order in
    which they come. Pauses and waits for calls always begin: they cost nothing while they are open.

    Args:
        host: carries the commands out.
        execute: executes the command with this index, and returns its event.
        items: the step's input, of which the task of a command has the item that it is for.
    """

    def __init__(self, host: Host, execute: Callable[[int, Command], Awaitable[Event]], items: Items) -> None:
        self._host, self._execute, self._items = host, execute, items
        self._ordered: list[tuple[int, Command]] = []
        self._waiting: deque[tuple[int, Command]] = deque()
        self._open: dict[int, tuple[int, Command]] = {}
        """Commands that have begun, as they would begin again, by number."""
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._events: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self._undelivered = 0
        self._number = 0
        self._activation = -1
        self._wave: list[Command] = []
        """What began in this activation."""
        self._wave_bytes = 0
        self._measured = 0
        """How many of the wave are part of `_wave_bytes`: one alone need not be measured."""
        self._pause: asyncio.Task[None] | None = None

    def order(self, index: int, command: Command) -> None:
        """Take a command in; `refill` begins it."""
        self._ordered.append((index, command))

    def refill(self) -> None:
        """Begin what there is room for."""
        while self._waiting and self._has_room(self._waiting[0][1]):
            self._begin(*self._waiting.popleft())
        for index, command in self._ordered:
            if _is_wait(command) or (not self._waiting and self._has_room(command)):
                self._begin(index, command)
            else:
                self._waiting.append((index, command))
        self._ordered.clear()

    def is_empty(self) -> bool:
        """Return whether no event will ever come."""
        return not (self._waiting or self._open or self._undelivered)

    def quiet(self) -> bool:
        """Return whether only pauses and waits for calls are open, and every event has been taken."""
        return not self._undelivered and all(_is_wait(command) for _, command in self._open.values())

    async def take(self) -> Event | None:
        """Return the next event; None: look again at what there is room for. Raise a fault of the host."""
        event = await self._events.get()
        if event is not None:
            self._undelivered -= 1
        if isinstance(event, Exception):
            raise event
        return event

    def wake(self) -> None:
        """Let `take` return None."""
        self._events.put_nowait(None)

    def to_json(self) -> list[list[Any]]:
        """Return the commands that are open or wait, with their indexes: [[index, command]]."""
        return [[index, command_to_json(command)] for index, command in (*self._open.values(), *self._waiting)]

    def cancel(self) -> None:
        """Cancel what is open."""
        for task in (*self._tasks.values(), *([self._pause] if self._pause else [])):
            task.cancel()

    def _begin(self, index: int, command: Command) -> None:
        self._number += 1
        self._open[self._number] = (index, until(command, self._host.now()))
        self._tasks[self._number] = asyncio.create_task(self._run(self._number, index, command))

    async def _run(self, number: int, index: int, command: Command) -> None:
        """Queue the command's event. A queue and not `asyncio.wait`: its order is the same on replay."""
        try:
            event: Event | Exception = await self._execute(index, command)
        except Exception as fault:  # noqa: BLE001 - a fault of the host ends the run; kept to itself it would hang it
            event = fault
        del self._open[number], self._tasks[number]
        self._undelivered += 1
        self._events.put_nowait(event)

    # --- room --------------------------------------------------------------------------------------------------------

    def _has_room(self, command: Command) -> bool:
        if self._host.holds_back(waits_for_child=self._count(StartChild) > 0):
            return False
        if self._exceeds(command) and self._host.patched(WAVES):
            return False
        self._wave.append(command)
        return True

    def _exceeds(self, command: Command) -> bool:
        """Return whether a command is one too many now. One that is too large by itself goes alone."""
        if isinstance(innermost(command), StartChild):
            full = self._count(StartChild) >= MAX_OPEN_WORKFLOWS
        else:
            full = self._count(Call, RunTool) >= MAX_OPEN_TASKS
        if full or not self._host.replays:
            return full
        if self._activation != (activation := self._host.activation()):
            self._activation, self._wave_bytes, self._measured = activation, 0, 0
            self._wave.clear()
        if not self._wave:
            return False
        for each in self._wave[self._measured :]:
            self._wave_bytes += command_bytes(each, self._items)
        self._measured = len(self._wave)
        over = len(self._wave) >= MAX_WAVE or self._wave_bytes + command_bytes(command, self._items) > MAX_WAVE_BYTES
        if over:
            self._take_breath()
        return over

    def _count(self, *kinds: type[Command]) -> int:
        return sum(isinstance(innermost(command), kinds) for _, command in self._open.values())

    def _take_breath(self) -> None:
        """Go on in the next workflow task, whether or not anything that is open ends."""

        async def pause() -> None:
            await self._host.sleep(BREATH_SECONDS)
            self._pause = None
            self.wake()

        if self._pause is None:
            self._pause = asyncio.create_task(pause())


def _is_wait(command: Command) -> bool:
    return isinstance(innermost(command), Sleep | AwaitSignal)
