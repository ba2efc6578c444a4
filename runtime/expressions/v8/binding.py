"""The V8 binding, which no other file of this package uses: one isolate with everything loaded, here or in a child.

A module and a script: `python -I binding.py` is the child process for scripts that may not end (see `child.py`). So it
imports nothing of tempor8.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import struct
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from py_mini_racer import (
    JSEvalException,
    JSOOMException,
    JSParseException,
    JSTimeoutException,
    MiniRacer,
    init_mini_racer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["HEADER", "Context", "Failure", "OutOfMemory", "OutOfTime", "neutral"]

Failure = JSEvalException
OutOfMemory = JSOOMException
OutOfTime = JSTimeoutException

_FOLDER = Path(__file__).parents[1]  # the JavaScript is for Code nodes, too
_SOURCES = ("vendor/luxon.min.js", "vendor/jmespath.js", "hashes.js", "extensions.js", "scope.js", "kernel.js")
_TABLES = "vendor/transliteration.min.js"  # run at first use: it takes 50 ms
_FLAGS = (
    "--single-threaded",  # the binding's own default: no compiler threads beside the caller's
    "--disallow-code-generation-from-strings",  # eval and Function never create code, from wherever they are called
    "--stack-size=800",  # KiB; the same depth of recursion wherever an isolate runs
)
_MEMORY_BYTES = 256 << 20
_MAX_SCRIPTS = 2_000  # scripts that an isolate has parsed, before it drops them all
_LONG_REQUEST_CHARACTERS = 16_384  # from here on a handle is cheaper than a literal that V8 parses


class Context(MiniRacer):
    """One isolate with the kernel, and the scripts that it has parsed.

    Create it on a plain thread: the binding adopts the event loop that runs where it is created.
    """

    def __init__(self, forbidden: Iterable[str]) -> None:
        super().__init__()
        self.scripts: dict[str, str] = {}
        self.set_hard_memory_limit(_MEMORY_BYTES)
        self.eval(f"globalThis.__forbidden={json.dumps(sorted(forbidden))}")
        self.eval(f"globalThis.__transliteration=()=>{{{_read(_TABLES)}\n;return transliteration}}")
        for source in _SOURCES:
            self.eval(_read(source))
        self.entry: Any = self.eval("__run")

    def __del__(self) -> None:
        """Do nothing: the owner closes it, which may wait for a thread, and a garbage collector must not wait."""

    def define(self, sources: Sequence[str]) -> list[str]:
        """Parse the scripts that are new to the isolate and return the ids of all."""
        if len(self.scripts) > _MAX_SCRIPTS:
            self.forget()
        for source in sources:
            if source not in self.scripts:
                self.scripts[source] = f"s{len(self.scripts)}"
                self.learn(self.scripts[source], source)
        return [self.scripts[source] for source in sources]

    def learn(self, name: str, source: str) -> None:
        """Parse one script. One that the engine refuses is "invalid syntax" whenever it runs."""
        try:
            self.eval(f'__define("{name}",function(___s,___x,___k,___r,___w,___j,___this){{{source}\n}})')
        except JSParseException:
            self.eval(f'__define("{name}",null)')

    def forget(self) -> None:
        """Drop all scripts."""
        self.eval("__forget()")
        self.scripts.clear()

    def run(self, request: str, seconds: float | None = None) -> str:
        """Return the kernel's response to a request. Raise OutOfTime, OutOfMemory, Failure."""
        if len(request) > _LONG_REQUEST_CHARACTERS:
            return str(self.entry(request, timeout_sec=seconds))
        return str(self.eval(f"__run({json.dumps(request)})", timeout_sec=seconds))


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@contextlib.contextmanager
def neutral() -> Iterator[None]:
    """Set V8 up as in n8n's own process, to UTC and en-US, whatever this machine is set to.

    ICU reads both from the environment when it is first used, so the first isolate of a process is created in here.
    """
    with contextlib.suppress(Exception):  # another part of the process may have loaded V8 with its own flags
        init_mini_racer(flags=_FLAGS)
    variables = {"TZ": "UTC", "LC_ALL": "en_US.UTF-8", "LANG": "en_US.UTF-8"}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def warm(context: Context) -> None:
    """Use ICU once, so that it reads the environment now."""
    context.eval("new Intl.NumberFormat().format(1) + new Intl.DateTimeFormat().format(0) + new Date(0).getHours()")


# --- the child process ---------------------------------------------------------------------------------------------

HEADER: Final = struct.Struct(">IB")
"""A frame: length, kind, then UTF-8. To the child: `F` the forbidden names, once; `R` a request with its scripts. From
the child: `S` it is ready, `D` an answer, `M` out of memory, `E` a failure with its message."""

_DATA_LIMIT_BYTES = 3 * _MEMORY_BYTES
_MAX_OPEN_FILES = 24  # the pipes and an event loop: nothing else can be opened
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def _confine() -> None:
    """Drop the rights that a script never needs. V8 reserves terabytes of addresses, so the limit is on written memory."""
    import resource  # noqa: PLC0415  # not on every platform that runs the parent

    limits = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_DATA": _DATA_LIMIT_BYTES, "RLIMIT_NOFILE": _MAX_OPEN_FILES}
    for name, value in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _receive() -> tuple[str, str]:
    def exactly(size: int) -> bytes:
        parts = []
        while size:
            part = os.read(0, min(size, 1 << 20))
            if not part:
                os._exit(0)  # the parent is gone
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    size, kind = HEADER.unpack(exactly(HEADER.size))
    return chr(kind), exactly(size).decode("utf-8")


def _send(kind: str, text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    view = memoryview(HEADER.pack(len(body), ord(kind)) + body)
    while view:
        view = view[os.write(1, view) :]


def _respond(context: Context, text: str) -> tuple[str, str]:
    head, _, request = text.partition("\n")
    job: dict[str, Any] = json.loads(head)
    try:
        if job["forget"]:
            context.forget()
        for name, source in job["new"].items():
            context.learn(name, source)
        return "D", context.run('{"scripts":' + json.dumps(job["scripts"]) + "," + request[1:])
    except JSOOMException:
        return "M", ""
    except JSEvalException as error:
        return "E", str(error)


async def _serve() -> None:
    """Answer requests from stdin until it closes; the parent kills this process when one takes too long."""
    _, names = _receive()
    with neutral():
        context = Context(json.loads(names))
        warm(context)
    _send("S", "")
    while True:
        _, text = _receive()
        kind, response = _respond(context, text)
        _send(kind, response)
        if kind != "D":
            os._exit(1)  # what the scripts left behind is unknown


if __name__ == "__main__":
    _confine()
    asyncio.run(_serve())
