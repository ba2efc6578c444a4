"""Compile what was uploaded, in processes of their own: none of them takes longer or more memory than it may.

The compiler is a program here (`command`), so that this module knows neither it nor the catalogue. A child reads requests and
writes answers until its input ends; each is four bytes of length and so many bytes of JSON, a request is followed by the export
in the same way.
"""

import asyncio
import contextlib
import os
import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

import orjson

from runtime.confinement.priority import FROM_THE_START, lower_priority
from runtime.platform.tenant_places import TenantPlaces
from runtime.values.json_bytes import loads
from schemas.plan import Plan

__all__ = ["LENGTH", "CompileLimit", "CompilePool", "CompilerCrash", "Upload", "UploadVerdict"]

LENGTH: Final = struct.Struct(">I")
SECONDS: Final = 30.0
"""For one export, the start of a child included. The largest exports that were measured (60,000 nodes) take four."""
CHILDREN: Final = 2
CHILDREN_OF_TENANT: Final = 1
"""Of these, so that exports of one tenant that take their whole time leave a child to the others."""
MAX_USES: Final = 200
"""Exports that one child compiles: what a parser may have kept goes with it."""
ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "HOME")
"""All that a child sees of our environment."""


OUT_OF_MEMORY: Final = (b"MemoryError", b"memory allocation of", b"failed to allocate", b"bad_alloc")
"""What a child without memory says last: Python, Rust (pydantic), tree-sitter, C++."""
DYING_SECONDS: Final = 5.0
"""That a child may take to end after it has closed its pipes."""
LAST_WORDS: Final = 2000
"""Bytes that are read of what a dead child said."""


class CompileLimit(Exception):
    """An export took too long or too much memory to compile."""


class CompilerCrash(Exception):
    """The compiler ended although it had time and memory: a mistake of ours, or somebody ended it. The message has its last words."""


@dataclass(frozen=True)
class UploadVerdict:
    """See `compiler.unit.Verdict`."""

    node: str
    grade: str
    reason: str


@dataclass(frozen=True)
class Upload:
    """A compiled export; see `compiler.unit.Compilation`."""

    plan: Plan | None
    text: str
    runnable: bool
    verdicts: tuple[UploadVerdict, ...]
    diagnostics: tuple[dict[str, Any], ...]


class CompilePool:
    """A few children, started when they are needed and kept for the next exports. A tenant has one of them at a time.

    Args:
        command: program and arguments of a child.
        children: how many compile at the same time; further exports wait.
        seconds: how long one export may take.
    """

    def __init__(self, command: Sequence[str], *, children: int = CHILDREN, seconds: float = SECONDS) -> None:
        self._command, self._seconds = tuple(command), seconds
        self._free = asyncio.Semaphore(children)
        self._places = TenantPlaces(CHILDREN_OF_TENANT)
        self._idle: list[_Child] = []

    async def compile(self, tenant: str, export: bytes, *, file: str, allow_unsupported: bool = False) -> Upload:
        """Return an export of a tenant compiled; where it is not, its child is gone.

        Raises:
            CompileLimit: it takes too long or too much memory.
            CompilerCrash: the child ended for another reason.
        """
        request = orjson.dumps({"file": file, "allow_unsupported": allow_unsupported})
        async with self._places.hold(tenant), self._free:
            child = self._idle_child()
            try:
                async with asyncio.timeout(self._seconds):
                    child = child or await _Child.start(self._command)
                    answer = await child.exchange(request, export)
            except TimeoutError:
                await _kill(child)
                raise CompileLimit(f"It takes longer than {self._seconds:g} seconds to compile") from None
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                assert child is not None  # it was there to be gone
                raise await child.end() from error
            except BaseException:
                await _kill(child)
                raise
            if child.uses < MAX_USES:
                self._idle.append(child)
            else:
                await _kill(child)
        return await asyncio.to_thread(_upload, answer)

    def _idle_child(self) -> "_Child | None":
        """Return a child that waits; those that somebody ended meanwhile are dropped."""
        while self._idle:
            child = self._idle.pop()
            if child.process.returncode is None:
                return child
            child.close()
        return None

    async def close(self) -> None:
        """End the children that are idle."""
        while self._idle:
            await _kill(self._idle.pop())


class _Child:
    """One child process; what it says on its standard error is in a file."""

    def __init__(self, process: asyncio.subprocess.Process, said: IO[bytes]) -> None:
        self.process, self.uses = process, 0
        self._said = said

    @classmethod
    async def start(cls, command: Sequence[str]) -> "_Child":
        said = tempfile.TemporaryFile()  # noqa: SIM115  # `close` does
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=said,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ}, cwd="/", start_new_session=True,
            )  # fmt: skip
        except BaseException:
            said.close()
            raise
        lower_priority(process.pid, FROM_THE_START)
        return cls(process, said)

    async def exchange(self, *frames: bytes) -> bytes:
        """Send frames and return the answer. Raises IncompleteReadError or ConnectionError when the child is gone."""
        writer, reader = self.process.stdin, self.process.stdout
        assert writer is not None
        assert reader is not None
        self.uses += 1
        for frame in frames:
            writer.write(LENGTH.pack(len(frame)))
            writer.write(frame)
        await writer.drain()
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        return await reader.readexactly(length)

    async def end(self) -> CompileLimit | CompilerCrash:
        """End a child that no longer answers, and return why it does not."""
        try:
            async with asyncio.timeout(DYING_SECONDS):  # its pipes close before it has ended
                await self.process.wait()
        except TimeoutError:
            pass
        code = self.process.returncode
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - LAST_WORDS))
        words = self._said.read(LAST_WORDS)
        await _kill(self)
        if any(each in words for each in OUT_OF_MEMORY):
            return CompileLimit("It takes too much memory to compile")
        return CompilerCrash(f"The compiler ended with {code}: {words.decode(errors='replace').strip()}")

    def close(self) -> None:
        """Close what is open of a process that has ended."""
        self._said.close()
        if self.process.stdin is not None:
            self.process.stdin.close()


async def _kill(child: _Child | None) -> None:
    if child is None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.process.kill()
    await child.process.wait()
    child.close()


def _upload(answer: bytes) -> Upload:
    value = loads(answer)
    return Upload(
        plan=None
        if value["plan"] is None
        else Plan.model_validate(loads(value["plan"].encode("utf-8", "surrogatepass"))),
        text=value["text"],
        runnable=value["runnable"],
        verdicts=tuple(UploadVerdict(*each) for each in value["verdicts"]),
        diagnostics=tuple(value["diagnostics"]),
    )
