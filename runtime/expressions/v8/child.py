"""Run scripts that may not end, or may use up the memory, in a child process, so that a fault ends that process alone.

V8 stops the whole process at some limits (a table that is too large), and some of its loops ignore the time limit.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from runtime.expressions.limits import OUT_OF_MEMORY, OUT_OF_TIME, ScriptLimit
from runtime.expressions.v8.binding import HEADER
from schemas.expression import FORBIDDEN_NAMES

__all__ = ["run"]

_SCRIPT = Path(__file__).with_name("binding.py")
_START_SECONDS = 20.0
_CHUNK_BYTES = 1 << 20
_MAX_SCRIPTS = 2_000  # scripts that a child has parsed, before it drops them all


class _Child:
    """One child and its pipes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own file, no shell
            [sys.executable, "-I", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # V8 prints its last words there
            env={"TZ": "UTC", "LC_ALL": "en_US.UTF-8", "LANG": "en_US.UTF-8"},
            start_new_session=True,  # Ctrl-C is for the parent, which ends its children itself
        )
        self.fresh = True
        self.known: dict[str, str] = {}
        """The scripts that the child has parsed: source -> id."""
        self._send("F", json.dumps(sorted(FORBIDDEN_NAMES)))

    def ask(self, sources: Sequence[str], request: str, seconds: float) -> str:
        """Return the kernel's response to a request. Raise ScriptLimit; the child is then gone."""
        try:
            if self.fresh:
                self._receive(time.monotonic() + _START_SECONDS)
                self.fresh = False
            deadline = time.monotonic() + seconds
            self._send("R", self._job(sources, request))
            kind, response = self._receive(deadline)
        except TimeoutError:
            raise ScriptLimit(OUT_OF_TIME) from None
        except OSError:
            raise ScriptLimit(OUT_OF_MEMORY) from None  # V8 ended the process
        if kind == "D":
            return response
        raise ScriptLimit(OUT_OF_MEMORY if kind == "M" else f"Expression evaluation failed: {response}")

    def _job(self, sources: Sequence[str], request: str) -> str:
        """Return a request with the scripts that the child has not parsed yet."""
        if len(self.known) > _MAX_SCRIPTS:
            self.known.clear()
        new = {
            f"s{len(self.known) + i}": source
            for i, source in enumerate(dict.fromkeys(sources))
            if source not in self.known
        }
        forget = not self.known
        self.known.update((source, name) for name, source in new.items())
        head = json.dumps({"new": new, "forget": forget, "scripts": [self.known[source] for source in sources]})
        return f"{head}\n{request}"

    def _send(self, kind: str, text: str) -> None:
        assert self.process.stdin is not None  # see Popen's arguments
        body = text.encode("utf-8", "surrogatepass")
        self.process.stdin.write(HEADER.pack(len(body), ord(kind)) + body)
        self.process.stdin.flush()

    def _receive(self, deadline: float) -> tuple[str, str]:
        size, kind = HEADER.unpack(self._exactly(HEADER.size, deadline))
        return chr(kind), self._exactly(size, deadline).decode("utf-8", "surrogatepass")

    def _exactly(self, size: int, deadline: float) -> bytes:
        assert self.process.stdout is not None  # see Popen's arguments
        descriptor = self.process.stdout.fileno()
        parts = []
        while size:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(descriptor, min(size, _CHUNK_BYTES))
            if not part:
                raise ConnectionError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Kill the process, reap it and close its pipes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


_lock = threading.Lock()
_idle: list[_Child] = []


def run(sources: Sequence[str], request: str, seconds: float) -> str:
    """Return the kernel's response to a request, given without its `scripts`. Raise ScriptLimit."""
    child = _take()
    try:
        response = child.ask(sources, request, seconds)
    except BaseException:
        child.end()
        raise
    with _lock:
        _idle.append(child)
    return response


def _take() -> _Child:
    """Return an idle child, or a new one; idle ones that have died are reaped."""
    with _lock:
        while _idle:
            child = _idle.pop()
            if child.process.poll() is None:
                return child
            child.end()
    return _Child()


@atexit.register
def _end() -> None:
    while _idle:
        _idle.pop().end()
