"""The child process that runs JavaScript of Code nodes: V8 without files, sockets, environment or secrets.

Started as a script (`python -I child.py`), imports nothing of tempor8. Frames on stdin and stdout: four bytes of length,
one byte of kind, then UTF-8.

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
import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import struct
import sys
import time
from typing import Any, Final

HEADER: Final = struct.Struct(">IB")
MEMORY_MB: Final = int(sys.argv[1]) if len(sys.argv) > 1 else 512
"""Megabytes for the heap; the process may use twice as much for everything together."""
OUTPUT_MB: Final = int(sys.argv[2]) if len(sys.argv) > 2 else 64
RUNS_PER_CONTEXT: Final = 2000
OPEN_FILES: Final = 40
"""The pipes, and the event loop of V8's binding: no run can open a file or a socket beyond that."""
PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38


def confine() -> None:
    """Give up every permission that a run never needs."""
    for name, value in {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": OPEN_FILES}.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def limit_memory() -> None:
    """Limit the memory that may be written beyond what V8 has taken for itself. It reserves terabytes of addresses and
    half a gigabyte of data when it starts, so neither address space nor all data together says anything.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError, StopIteration), open("/proc/self/status") as status:  # noqa: PTH123
        initial = next(int(line.split()[1]) for line in status if line.startswith("VmData")) << 10
        bound = initial + 2 * (MEMORY_MB << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))


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

    def __init__(self, libraries: list[str]) -> None:
        from py_mini_racer import MiniRacer  # noqa: PLC0415 - after `confine`

        self.engine = MiniRacer()
        self.engine.set_hard_memory_limit(MEMORY_MB << 20)
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

    def __init__(self) -> None:
        self.libraries: list[str] = []
        self.used: V8Context | None = None
        self.spare: V8Context | None = None

    def take(self, owner: str) -> V8Context:
        """Return the owner's own context, or a fresh one."""
        if self.used is not None and self.used.owner != owner:
            self.used.close()
            self.used = None
        if self.used is None:
            self.used, self.spare = self.spare or V8Context(self.libraries), None
            self.used.owner = owner
        return self.used

    def run(self, text: str) -> tuple[str, str]:
        """Carry out one run to its end and return the frame to send."""
        owner, _, job = text.partition("\n")
        context = self.take(owner)
        context.runs += 1
        context.call["__start"](job)
        while True:
            state = context.call["__poll"](OUTPUT_MB << 20)
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


async def main() -> None:
    """Serve frames until the parent is gone. Async only because V8's binding wants a running loop."""
    child = Child()
    while True:
        await asyncio.sleep(0)
        if child.libraries and child.spare is None and child.idle():
            child.spare = V8Context(child.libraries)
        kind, text = receive()
        if kind == "L":
            child.libraries = json.loads(text)
            child.spare = V8Context(child.libraries)
            limit_memory()
            continue
        try:
            send(*child.run(text))
            child.tidy()
        except Exception as error:  # noqa: BLE001 - the parent decides; it replaces this process
            send("M" if child.full(error) else "E", f"{type(error).__name__}: {error}")
            os._exit(1)


if __name__ == "__main__":
    confine()
    asyncio.run(main())
