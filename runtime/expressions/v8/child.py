"""The child process that evaluates scripts: V8, with one isolate per owner, without files, environment or secrets.

Started by `runtime.confinement`, imports nothing of tempor8. Its stdin is a socket, both ways: frames of four bytes of length, one
byte of kind, then UTF-8.

| to the child | |
|---|---|
| `F` | first, once: JSON list of names that no script may reach |
| `R` | a request: a line of JSON (`owner`, `drop`, `forget`, `new`, `scripts`), then the kernel's request without its `scripts` |
| `C` | how many isolates are there? |

| from the child | |
|---|---|
| `S` | it is ready |
| `U` | it refuses to work: code could be made from text |
| `D` | an answer |
| `B` | an answer, the last: the process has grown too large, and ends |
| `L` | the answer is too large |
| `M` | out of memory: the process ends |
| `E` | a failure with its message: the process ends |
| `C` | a number |

Which isolates live is decided by the parent (`child_process.py`): `drop` names those that go.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import select
import struct
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runtime.confinement.launcher import Walls

HEADER: Final = struct.Struct(">IB")
FOLDER: Final = Path(__file__).parents[1]  # the JavaScript is for Code nodes, too
LUXON: Final = "vendor/luxon.min.js"
SOURCES: Final = ("vendor/jmespath.js", "hashes.js", "extensions.js", "scope.js", "kernel.js")
TABLES: Final = "vendor/transliteration.min.js"  # run at first use: it takes 50 ms
FLAGS: Final = (
    "--single-threaded",  # the binding's own default: no compiler threads beside the caller's
    "--disallow-code-generation-from-strings",  # eval and Function never create code, from wherever they are called
    "--stack-size=800",  # KiB; the same depth of recursion wherever an isolate runs
)
MEMORY_BYTES: Final = 256 << 20
"""Heap of an isolate."""
MAX_RESIDENT_BYTES: Final = 400 << 20
"""A process that is larger after an answer ends: another one starts small."""
MAX_ANSWER_CHARACTERS: Final = 128 << 20
MAX_ERROR_CHARACTERS: Final = 10_000
LONG_REQUEST_CHARACTERS: Final = 16_384
"""From here on a handle is cheaper than a literal that V8 parses."""
CHUNK_BYTES: Final = 1 << 18
CHANGES: Final = {
    "vendor/jmespath.js": (
        (
            "field = value[node.name];",
            "field = Object.prototype.propertyIsEnumerable.call(value, node.name) ? value[node.name] : undefined;",
        ),
    )
}
"""What a library may not do, by its file: a query reads members of the data, nothing that objects inherit."""
CODE_FROM_TEXT: Final = """(() => {
  for (const make of [() => Function('return 1')(), () => (0, eval)('1'), () => (function* () {}).constructor('yield 1')()]) {
    try { make(); return true; } catch (error) { if (!(error instanceof EvalError)) return true; }
  }
  return false;
})()"""
"""True when V8 makes code from text. Run before the kernel, which takes these names away."""


@cache
def read(name: str) -> str:
    """Return a source of the kernel."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    for old, new in CHANGES.get(name, ()):
        if old not in text:
            raise ValueError(f"{name} has changed; its pin and CHANGES belong together")
        text = text.replace(old, new)
    return text


class CodeFromText(Exception):
    """V8 was started without the flag that forbids it."""


class Isolate:
    """One isolate with the kernel, and the scripts that it has parsed.

    Raises:
        CodeFromText: it would make code from text.
    """

    def __init__(self, forbidden: Iterable[str]) -> None:
        from py_mini_racer import MiniRacer  # noqa: PLC0415  # after `confine`

        self.engine = MiniRacer()
        self.engine.set_hard_memory_limit(MEMORY_BYTES)
        if self.engine.eval(CODE_FROM_TEXT) is not False:
            raise CodeFromText
        self.engine.eval(f"globalThis.__forbidden={json.dumps(sorted(forbidden))}")
        self.engine.eval(f"globalThis.__transliteration=()=>{{{read(TABLES)}\n;return transliteration}}")
        self.engine.eval(read("intl.js"))
        self.engine.eval(f"(Intl=>{{{read(LUXON)}\n;globalThis.luxon=luxon}})(__intl)")
        for source in SOURCES:
            self.engine.eval(read(source))
        self.entry: Any = self.engine.eval("__run")
        self.engine.eval(
            "new Intl.NumberFormat().format(1) + new Intl.DateTimeFormat().format(0)"
        )  # ICU reads its tables

    def learn(self, scripts: Mapping[str, str]) -> None:
        """Parse scripts, by their names. One that the engine refuses is "invalid syntax" whenever it runs."""
        from py_mini_racer import JSParseException  # noqa: PLC0415  # likewise

        for name, source in scripts.items():
            try:
                self.engine.eval(
                    f'__define("{name}",function(___s,___x,___k,___r,___w,___j,___this,___f,___e){{{source}\n}})'
                )
            except JSParseException:
                self.engine.eval(f'__define("{name}",null)')

    def run(self, request: str) -> str:
        """Return the kernel's answer."""
        if len(request) > LONG_REQUEST_CHARACTERS:
            return str(self.entry(request))
        return str(self.engine.eval(f"__run({json.dumps(request)})"))

    def close(self) -> None:
        """Free its memory."""
        self.entry = None
        self.engine.close()


class Isolates:
    """The isolates by owner, and one that is ready for the next owner."""

    def __init__(self, forbidden: Iterable[str]) -> None:
        self.forbidden = tuple(forbidden)
        self.of: dict[str, Isolate] = {}
        self.spare: Isolate | None = Isolate(self.forbidden)

    def take(self, owner: str) -> Isolate:
        """Return the owner's own isolate; a new one comes into being."""
        if owner not in self.of:
            self.of[owner], self.spare = self.spare or Isolate(self.forbidden), None
        return self.of[owner]

    def drop(self, owners: Sequence[str]) -> None:
        """Close the isolates of these owners."""
        for owner in owners:
            self.of.pop(owner).close()

    def prepare(self) -> None:
        """Make one ready for the next owner, when nothing else is to be done."""
        if self.spare is None:
            self.spare = Isolate(self.forbidden)

    def answer(self, text: str) -> tuple[str, str]:
        """Return the kind and the text of the answer to a request."""
        from py_mini_racer import JSEvalException, JSOOMException  # noqa: PLC0415  # likewise

        head, _, request = text.partition("\n")
        job: dict[str, Any] = json.loads(head)
        try:
            self.drop(job["drop"])
            isolate = self.take(job["owner"])
            if job["forget"]:
                isolate.engine.eval("__forget()")
            isolate.learn(job["new"])
            response = isolate.run('{"scripts":' + json.dumps(job["scripts"]) + "," + request[1:])
        except JSOOMException:
            return "M", ""
        except JSEvalException as error:
            return "E", str(error)[:MAX_ERROR_CHARACTERS]
        if len(response) > MAX_ANSWER_CHARACTERS:
            return "L", ""
        return ("B" if resident() > MAX_RESIDENT_BYTES else "D"), response


# --- the process ---------------------------------------------------------------------------------------------------------


def resident() -> int:
    """Return the most bytes of memory that this process has used. Behind its walls there is no /proc to ask."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


class Channel:
    """Frames over the socket to the parent, which is stdin. Calls for sockets are refused here; read and write are not."""

    def receive(self) -> tuple[str, str]:
        """Return the next frame; end the process when the parent is gone."""
        buffer = bytearray()
        size = HEADER.size
        while len(buffer) < size:
            part = os.read(0, CHUNK_BYTES)
            if not part:
                os._exit(0)
            buffer += part
            if size == HEADER.size and len(buffer) >= size:
                size += HEADER.unpack_from(buffer)[0]
        return chr(buffer[HEADER.size - 1]), buffer[HEADER.size :].decode("utf-8")

    def send(self, kind: str, text: str) -> None:
        """Write a frame."""
        body = text.encode("utf-8", "surrogatepass")
        view = memoryview(HEADER.pack(len(body), ord(kind)) + body)
        while view:
            view = view[os.write(0, view) :]

    def idle(self) -> bool:
        """Return True when no frame waits."""
        return not select.select([0], [], [], 0)[0]


async def answer_requests(walls: Walls) -> NoReturn:
    """Answer requests until the parent closes the socket or kills this process, as it does when one takes too long. Async only
    because V8's binding wants a running loop.
    """
    channel = Channel()
    _, names = channel.receive()
    try:
        isolates = Isolates(json.loads(names))
    except CodeFromText:
        channel.send("U", "")
        os._exit(1)
    walls.limit_memory()
    channel.send("S", "")
    while True:
        kind, text = channel.receive()
        if kind == "C":
            channel.send("C", str(len(isolates.of)))
            continue
        kind, response = isolates.answer(text)
        channel.send(kind, response)
        if kind not in "DL":
            os._exit(0 if kind == "B" else 1)  # what a script that failed left behind is unknown
        if channel.idle():
            isolates.prepare()


_loops: list[asyncio.AbstractEventLoop] = []
"""The loop, made before the walls stand: it opens descriptors."""


def prepare(arguments: tuple[str, ...]) -> None:
    """Load V8 with its flags (those given in place of `FLAGS`), and read the kernel."""
    from py_mini_racer import init_mini_racer  # noqa: PLC0415  # the parent imports this module for its table of frames

    init_mini_racer(flags=arguments or FLAGS)
    for name in (TABLES, "intl.js", LUXON, *SOURCES):
        read(name)
    _loops.append(asyncio.new_event_loop())


def serve(walls: Walls) -> None:
    """Serve until the parent is gone."""
    _loops.pop().run_until_complete(answer_requests(walls))
