"""The parent's end of one child process (`child.py`): start it, ask it, kill it when it oversteps."""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from runtime.confinement.children import START_SECONDS, start
from runtime.confinement.limits import ChildLimits
from runtime.expressions.limits import OUT_OF_MEMORY, OUT_OF_TIME, TOO_LARGE, ScriptCrash, ScriptLimit
from runtime.expressions.v8.child import HEADER, MAX_ANSWER_CHARACTERS
from schemas.errors import InfrastructureError
from schemas.expression import FORBIDDEN_NAMES

__all__ = ["MAX_ISOLATES", "ChildProcess", "ScriptsUnavailable"]

FILE: Final = str(Path(__file__).with_name("child.py"))
LIMITS: Final = ChildLimits(memory_bytes=512 << 20, open_files=24)
"""The memory is what a child may write beyond what it has when its first isolate is ready."""
LEAST_SECONDS: Final = 0.005
"""With less than this, most of which a wait for the child has taken, a child is not asked: it would be killed for it."""
MAX_FRAME_BYTES: Final = 4 * MAX_ANSWER_CHARACTERS
"""Of an answer in UTF-8. The length that a child announces is the word of a process that runs an author's scripts."""
CHUNK_BYTES: Final = 1 << 18
MAX_ISOLATES: Final = 24
"""Owners whose isolates a child keeps: 5 MB each after little use, 9 after much. That of the owner who was away longest goes first; a new one costs
21 ms."""
MAX_SCRIPTS: Final = 2_000
"""Scripts that an isolate has parsed, before it drops them all."""


class ScriptsUnavailable(InfrastructureError):
    """No child process can evaluate scripts here: it does not start, or V8 would make code from text."""


class ChildProcess:
    """One child. Used by one thread at a time; blocking. Its processes die with the thread that created them.

    Raises:
        ScriptsUnavailable: it does not come up.
    """

    def __init__(self, flags: Sequence[str] = (), isolates: int = MAX_ISOLATES, file: str = FILE) -> None:
        """Start a child.

        Args:
            flags: of V8, in place of the child's own.
            isolates: how many it keeps.
            file: the module that it runs.
        """
        self._isolates = isolates
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = start(file, flags, limits=LIMITS, stdin=theirs.fileno(), stdout=subprocess.DEVNULL)
        self.scripts: OrderedDict[str, dict[str, str]] = OrderedDict()
        """The isolates by owner, the one used longest ago first: source -> name of the scripts that it has parsed."""
        deadline = time.monotonic() + START_SECONDS
        try:
            self._send("F", json.dumps(sorted(FORBIDDEN_NAMES)), deadline)
            kind, _ = self._receive(deadline)
        except OSError as error:
            message = f"The process for expressions does not start: {self._ending()}. `tempor8 doctor` tries the same and says why."
            raise ScriptsUnavailable(message) from error
        if kind != "S":
            self.kill()
            raise ScriptsUnavailable("V8 would make code from text: its flag that forbids this has no effect")

    @property
    def pid(self) -> int:
        """Of the process that does the work."""
        return self._process.inner_pid

    @property
    def alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def ask(self, owner: str, sources: Sequence[str], request: str, deadline: float) -> str:
        """Return the kernel's response to a request of this owner, given without its `scripts`, before the deadline (in seconds of
        `time.monotonic`). Raise ScriptLimit; the child is then gone, unless there was no time to ask it.
        """
        if deadline - time.monotonic() < LEAST_SECONDS:
            raise ScriptLimit(OUT_OF_TIME)
        try:
            self._send("R", self._job(owner, sources, request), deadline)
            kind, response = self._receive(deadline)
        except TimeoutError:
            self.kill()
            raise ScriptLimit(OUT_OF_TIME) from None
        except (OSError, UnicodeDecodeError):
            raise ScriptCrash(f"The process of the expression {self._ending()}") from None
        except BaseException:  # an interrupt: its answer would be taken for that of the next request
            self.kill()
            raise
        if kind in "DL":
            if kind == "L":
                raise ScriptLimit(TOO_LARGE)
            return response
        self.kill()
        if kind == "B":
            return response
        raise ScriptLimit(OUT_OF_MEMORY if kind == "M" else f"Expression evaluation failed: {response}")

    def count(self) -> int:
        """Return how many isolates the process says that it has."""
        deadline = time.monotonic() + START_SECONDS
        self._send("C", "", deadline)
        return int(self._receive(deadline)[1])

    def kill(self) -> None:
        """Kill the process now, and reap it."""
        self._process.end()
        self._socket.close()

    def _ending(self) -> str:
        """Reap a process that has closed its socket, and say how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.kill()
        if code is not None and code < 0:
            return f"died of {signal.Signals(-code).name}"
        return "went away" if code is None else f"ended with code {code}"

    def _job(self, owner: str, sources: Sequence[str], request: str) -> str:
        """Return the frame of a request: which isolate, which go to make room for it, and the scripts that are new to it."""
        drop = []
        if owner not in self.scripts and len(self.scripts) >= self._isolates:
            drop = [self.scripts.popitem(last=False)[0]]
        known = self.scripts.setdefault(owner, {})
        self.scripts.move_to_end(owner)
        forget = len(known) > MAX_SCRIPTS
        if forget:
            known.clear()
        new = {}
        for source in sources:
            if source not in known:
                known[source] = name = f"s{len(known)}"
                new[name] = source
        head = {
            "owner": owner, "drop": drop, "forget": forget, "new": new, "scripts": [known[source] for source in sources],
        }  # fmt: skip
        return f"{json.dumps(head)}\n{request}"

    def _send(self, kind: str, text: str, deadline: float) -> None:
        body = text.encode("utf-8", "surrogatepass")
        self._limit(deadline)
        self._socket.sendall(HEADER.pack(len(body), ord(kind)) + body)

    def _limit(self, deadline: float) -> None:
        """Give the next call of the socket the time until the deadline. Raise TimeoutError when there is none."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _receive(self, deadline: float) -> tuple[str, str]:
        buffer = bytearray()
        size = HEADER.size
        while len(buffer) < size:
            self._limit(deadline)
            part = self._socket.recv(CHUNK_BYTES)
            if not part:
                raise ConnectionError
            buffer += part
            if size == HEADER.size and len(buffer) >= size:
                size += HEADER.unpack_from(buffer)[0]
                if size > MAX_FRAME_BYTES:
                    raise ConnectionError
        return chr(buffer[HEADER.size - 1]), buffer[HEADER.size :].decode("utf-8", "surrogatepass")
