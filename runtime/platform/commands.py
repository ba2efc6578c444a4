"""Shell commands of authors: each in namespaces of its own, as a user that nothing else has.

A command sees the files of the machine that everybody may read, no process but its own, and no network unless the
operator opens it. It writes to a folder in memory alone. What all its processes hold in memory together, and what all its files hold, is
limited. util-linux builds the namespaces (`unshare`, `setpriv`), `runtime/confinement/command_stage.py` what is inside; where they
cannot be built, nothing runs.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from runtime.confinement.command_stage import MEMORY, REFUSED, StageSpec

__all__ = ["CommandError", "Finished", "run"]

SECONDS: Final = 600.0
"""How long a command may take."""
OUTPUT_BYTES: Final = 1 << 20
"""What it may write on stdout, and on stderr: n8n's limit."""
_FIRST_USER: Final = 1_879_052_288
"""Ids from here on are in systemd's free range, and above those of the children for code."""
_USERS: Final = 1 << 24
MEMORY_BYTES: Final = 1 << 30
"""What all processes of a command may hold in memory together, as a child for code."""
FILE_BYTES: Final = 512 << 20
"""What all its files may hold together. They are in memory, beside what its processes hold."""
_LIMITS: Final = (
    ("RLIMIT_CORE", 0),
    ("RLIMIT_AS", 2 << 30),
    ("RLIMIT_NOFILE", 256),
    ("RLIMIT_FSIZE", 1 << 30),
    ("RLIMIT_NPROC", 256),
)
"""Of each process; the last one is of the user, and so of the command."""
_ROOT: Final = str(Path(__file__).parents[2])
_BOOT: Final = (
    "import sys; sys.path.append(sys.argv[1]); from runtime.confinement.command_stage import main; main(sys.argv[2])"
)
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PIECE: Final = 1 << 16
_UNCONFINED: Final = "Commands cannot be confined here"


class CommandError(Exception):
    """A command did not run, or not to its end. The message is for the author."""


@dataclass(frozen=True)
class Finished:
    """How a command ended: the exit code as a shell tells it, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str


async def run(command: str, *, network: bool, seconds: float = SECONDS) -> Finished:
    """Run a command by the shell in an empty folder that is deleted afterwards. Raise CommandError."""
    tools = [shutil.which(each) for each in ("unshare", "setpriv")]
    if os.name != "posix" or os.geteuid() != 0 or None in tools:
        raise CommandError(
            f"{_UNCONFINED}: the worker has to be root, on Linux with util-linux, so that each command runs as a user of its own"
        )
    if "\0" in command:
        raise CommandError("The command could not be started: it has a null byte")
    with _pipe() as (life, our_life), _pipe() as (our_report, report):
        process = await _start(_spec(command, life.fileno(), report.fileno()), network=network)
        life.close()
        report.close()
        try:
            return await asyncio.wait_for(_finish(process, our_report), seconds)
        except TimeoutError:
            raise CommandError(f"The command took longer than {seconds:g} seconds and was ended") from None
        finally:
            await _end(process)
            our_life.close()


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[FileIO, FileIO]]:
    """Give the ends of a pipe: the one to read from, and the one to write to."""
    reading, writing = os.pipe()
    with FileIO(reading, "rb") as one, FileIO(writing, "wb") as other:
        yield one, other


def _spec(command: str, life: int, report: int) -> StageSpec:
    user = _FIRST_USER + secrets.randbelow(_USERS)
    ids = ("--reuid", str(user), "--regid", str(user), "--clear-groups")
    powers = ("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
    words = (shutil.which("setpriv") or "", *ids, *powers, "--", "/bin/sh", "-c", command)
    folder = f"/tmp/command-{secrets.token_hex(8)}"  # noqa: S108 - of the command's own /tmp
    return StageSpec(user, folder, words, life, report, MEMORY_BYTES, FILE_BYTES, _LIMITS)


async def _start(spec: StageSpec, *, network: bool) -> Process:
    spaces = ("--mount", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child", *(() if network else ("--net",)))
    words = ("unshare", *spaces, "--", sys.executable, "-I", "-S", "-c", _BOOT, _ROOT, spec.dump())
    environment = {"PATH": _PATH, "HOME": spec.folder, "TMPDIR": spec.folder, "LANG": "C.UTF-8"}
    try:
        return await asyncio.create_subprocess_exec(
            *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, cwd="/", env=environment, start_new_session=True,
            pass_fds=(spec.life, spec.report),
        )  # fmt: skip
    except OSError as error:
        raise CommandError(f"The command could not be started: {error}") from error


async def _finish(process: Process, report: FileIO) -> Finished:
    assert process.stdout is not None
    assert process.stderr is not None
    stdout, stderr = await asyncio.gather(_read(process, process.stdout), _read(process, process.stderr))
    code = await process.wait()
    said = (report.read(_PIECE) or b"").decode("utf-8", "replace")  # whoever could write to it is gone
    if REFUSED in said or (not said and code >= 0):  # unshare itself has words for what it cannot do
        raise CommandError(f"{_UNCONFINED}: {said.partition(REFUSED)[2] or (stderr or '').strip()}")
    if said.endswith(MEMORY):
        raise CommandError(f"The command held more than {MEMORY_BYTES:,} bytes in memory and was ended")
    if stdout is None or stderr is None:
        raise CommandError(f"{'stdout' if stdout is None else 'stderr'} maxBuffer length exceeded")
    if stderr.startswith("setpriv: "):
        raise CommandError(f"{_UNCONFINED}: {stderr.strip()}")
    return Finished(128 - code if code < 0 else code, stdout.strip(), stderr.strip())


async def _read(process: Process, stream: asyncio.StreamReader) -> str | None:
    """Return what comes until the end; None when it is too much, which ends the command."""
    parts, size = list[bytes](), 0
    while piece := await stream.read(_PIECE):
        size += len(piece)
        if size > OUTPUT_BYTES:
            _kill(process)
            parts.clear()
        else:
            parts.append(piece)
    return None if size > OUTPUT_BYTES else b"".join(parts).decode("utf-8", "replace")


def _kill(process: Process) -> None:
    """End the command and whatever it has started: all of them are in its namespace, which ends with its first process."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: Process) -> None:
    """End the command, and read what is left of its output, so that its pipes close."""
    _kill(process)
    for stream in (process.stdout, process.stderr):
        while stream is not None and await stream.read(_PIECE):
            continue
    await process.wait()
