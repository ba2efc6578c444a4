"""A child process for scripts that may not end, or take all memory: what goes wrong there ends that process alone.

V8 stops the whole process at some limits (a table that is too large), and some of its loops heed no time limit.
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
_CHUNK = 1 << 20
_KEPT_SCRIPTS = 2_000


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
        """The scripts that it has been given: source -> id."""
        self._send("F", json.dumps(sorted(FORBIDDEN_NAMES)))

    def ask(self, sources: Sequence[str], request: str, seconds: float) -> str:
        """The answer to a request. Raises ScriptLimit; the child is then gone."""
        try:
            if self.fresh:
                self._receive(time.monotonic() + _START_SECONDS)
                self.fresh = False
            deadline = time.monotonic() + seconds
            self._send("R", self._job(sources, request))
            kind, answer = self._receive(deadline)
        except TimeoutError:
            raise ScriptLimit(OUT_OF_TIME) from None
        except OSError:
            raise ScriptLimit(OUT_OF_MEMORY) from None  # V8 ended the process
        if kind == "D":
            return answer
        raise ScriptLimit(OUT_OF_MEMORY if kind == "M" else f"Expression evaluation failed: {answer}")

    def _job(self, sources: Sequence[str], request: str) -> str:
        """A request with the scripts that the child has not seen yet."""
        if len(self.known) > _KEPT_SCRIPTS:
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
        assert self.process.stdin is not None  # asked for above
        body = text.encode("utf-8", "surrogatepass")
        self.process.stdin.write(HEADER.pack(len(body), ord(kind)) + body)
        self.process.stdin.flush()

    def _receive(self, deadline: float) -> tuple[str, str]:
        size, kind = HEADER.unpack(self._exactly(HEADER.size, deadline))
        return chr(kind), self._exactly(size, deadline).decode("utf-8", "surrogatepass")

    def _exactly(self, size: int, deadline: float) -> bytes:
        assert self.process.stdout is not None  # asked for above
        descriptor = self.process.stdout.fileno()
        parts = []
        while size:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(descriptor, min(size, _CHUNK))
            if not part:
                raise ConnectionError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Kill it and take its remains away."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


_lock = threading.Lock()
_idle: list[_Child] = []


def run(sources: Sequence[str], request: str, seconds: float) -> str:
    """The kernel's answer to a request without its `scripts`. Raises ScriptLimit."""
    child = _take()
    try:
        answer = child.ask(sources, request, seconds)
    except BaseException:
        child.end()
        raise
    with _lock:
        _idle.append(child)
    return answer


def _take() -> _Child:
    """A child that waits, or a new one; one that died while nobody used it is taken away."""
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
