"""The child process that runs JavaScript of Code nodes: V8 without files, sockets, environment or secrets.

Started by `runtime.confinement`, imports nothing of tempor8. Arguments: megabytes for V8's heap, megabytes of output. Frames
on stdin and stdout: four bytes of length, one byte of kind, then UTF-8.

| to the child | |
|---|---|
| `L` | first, once: JSON list of scripts that every context loads |
| `R` | a run: owner, newline, JSON for `__start` |
| `A` | answers for `__settle` |

| from the child | |
|---|---|
| `D` | what `__poll` gave at the end |
| `C` | calls for the host, from `__poll` |
| `M` | the memory limit was reached: this process should go |
| `E` | the engine failed |

A context belongs to the first owner who uses it, and is used again by that owner only, and only when the run left no
traces. A fresh one is kept ready, built while no run waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import struct
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from runtime.confinement.launcher import Walls

HEADER: Final = struct.Struct(">IB")
RUNS_PER_CONTEXT: Final = 2000


def read_exactly(size: int) -> bytes:
    """Read `size` bytes of stdin. End the process when the parent is gone."""
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive() -> tuple[str, str]:
    """Return the next frame."""
    size, kind = HEADER.unpack(read_exactly(HEADER.size))
    return chr(kind), read_exactly(size).decode("utf-8")


def send(kind: str, text: str) -> None:
    """Write a frame."""
    body = text.encode("utf-8", "surrogatepass")
    view = memoryview(HEADER.pack(len(body), ord(kind)) + body)
    while view:
        view = view[os.write(1, view) :]


class V8Context:
    """One V8 context with everything loaded, and its owner."""

    def __init__(self, libraries: list[str], heap_bytes: int) -> None:
        from py_mini_racer import MiniRacer  # noqa: PLC0415 - loaded by `prepare`

        self.engine = MiniRacer()
        self.engine.set_hard_memory_limit(heap_bytes)
        for library in libraries:
            self.engine.eval(library)
        names = ("__start", "__poll", "__tick", "__settle", "__clean")
        self.call: dict[str, Any] = {name: self.engine.eval(name) for name in names}
        self.call["__clean"]()
        self.owner: str | None = None
        self.runs = 0

    def close(self) -> None:
        """Free its memory."""
        self.call.clear()
        self.engine.close()


class Child:
    """Keeps the contexts and carries out runs."""

    def __init__(self, memory_mb: int, output_mb: int) -> None:
        self.heap_bytes, self.output_bytes = memory_mb << 20, output_mb << 20
        self.loop = asyncio.new_event_loop()
        """Only because V8's binding wants one that runs."""
        self.libraries: list[str] = []
        self.used: V8Context | None = None
        self.spare: V8Context | None = None

    def fresh(self) -> V8Context:
        """Return a context that nobody has used."""
        return V8Context(self.libraries, self.heap_bytes)

    def take(self, owner: str) -> V8Context:
        """Return the owner's own context, or a fresh one."""
        if self.used is not None and self.used.owner != owner:
            self.used.close()
            self.used = None
        if self.used is None:
            self.used, self.spare = self.spare or self.fresh(), None
            self.used.owner = owner
        return self.used

    def run(self, text: str) -> tuple[str, str]:
        """Carry out one run to its end and return the frame to send."""
        owner, _, job = text.partition("\n")
        context = self.take(owner)
        context.runs += 1
        context.call["__start"](job)
        while True:
            state = context.call["__poll"](self.output_bytes)
            if not state.startswith(('{"wait"', '{"calls"')):
                # what V8 cut off for want of memory looks like code that waits for nothing
                cut = not state.startswith('{"done"') and context.engine.was_hard_memory_limit_reached()
                return ("M", "heap") if cut else ("D", state)
            if state.startswith('{"calls"'):
                send("C", state)
                kind, answer = receive()
                if kind != "A":
                    return "E", f"expected answers, got {kind}"
                context.call["__settle"](answer)
                continue
            time.sleep(min(json.loads(state)["wait"], 1000) / 1000)
            context.call["__tick"]()

    def tidy(self) -> None:
        """Keep the context after a run if it is as good as new, else close it."""
        context = self.used
        if context is not None and (context.runs >= RUNS_PER_CONTEXT or not context.call["__clean"]()):
            context.close()
            self.used = None

    def full(self, error: Exception) -> bool:
        """Return True when a run ended because it reached the memory limit: V8 says so, or only that it stopped."""
        known = self.used is not None and self.used.engine.was_hard_memory_limit_reached()
        return known or type(error).__name__ == "JSOOMException"

    def idle(self) -> bool:
        """Return True when nothing waits on stdin."""
        return not select.select([0], [], [], 0)[0]

    async def serve(self, walls: Walls) -> None:
        """Answer frames until the parent is gone."""
        while True:
            await asyncio.sleep(0)
            if self.libraries and self.spare is None and self.idle():
                self.spare = self.fresh()
            kind, text = receive()
            if kind == "L":
                self.libraries = json.loads(text)
                self.spare = self.fresh()
                walls.limit_memory()
                continue
            try:
                send(*self.run(text))
                self.tidy()
            except Exception as error:  # noqa: BLE001 - the parent decides; it replaces this process
                send("M" if self.full(error) else "E", f"{type(error).__name__}: {error}")
                os._exit(1)


_children: Final[list[Child]] = []


def prepare(arguments: tuple[str, ...]) -> None:
    """Load V8 and open what its binding needs. `arguments`: see the top."""
    from py_mini_racer import init_mini_racer  # noqa: PLC0415 - the parent imports this module for its types

    init_mini_racer()
    memory_mb, output_mb = map(int, arguments)
    _children.append(Child(memory_mb, output_mb))


def serve(walls: Walls) -> None:
    """Serve frames until the parent is gone."""
    child = _children.pop()
    child.loop.run_until_complete(child.serve(walls))
