"""Shell commands of authors: each in namespaces of its own, as a user that nothing else has.

A command sees the files of the machine that everybody may read, no process but its own, and no network unless the
operator opens it. util-linux builds the walls (`unshare`, `setpriv`); where they cannot be built, nothing runs.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["CommandError", "Finished", "run"]

SECONDS: Final = 600.0
"""How long a command may take."""
OUTPUT_BYTES: Final = 1 << 20
"""What it may write on stdout, and on stderr: n8n's limit."""
_FIRST_USER: Final = 1_879_052_288
"""Ids from here on are in systemd's free range, and above those of the children for code."""
_USERS: Final = 1 << 24
_LIMITS: Final = (
    "ulimit -c 0; ulimit -v 2097152; ulimit -n 256; ulimit -f 2097152; ulimit -p 256 2>/dev/null || ulimit -u 256; "
    'exec /bin/sh -c "$1"'
)
"""KiB of memory, open files, blocks of 512 bytes of a file, processes."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PIECE: Final = 1 << 16


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
            "Commands cannot be confined here: the worker has to be root, on Linux with util-linux, so that each command "
            "runs as a user of its own"
        )
    user = _FIRST_USER + secrets.randbelow(_USERS)
    folder = Path(tempfile.mkdtemp(prefix="command-"))
    try:
        os.chown(folder, user, user)
        process = await _start(command, user, folder, network=network)
        try:
            return await asyncio.wait_for(_finish(process), seconds)
        except TimeoutError:
            raise CommandError(f"The command took longer than {seconds:g} seconds and was ended") from None
        finally:
            await _end(process)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _start(command: str, user: int, folder: Path, *, network: bool) -> Process:
    spaces = ("--ipc", "--pid", "--fork", "--mount-proc", "--kill-child", *(() if network else ("--net",)))
    ids = ("--reuid", str(user), "--regid", str(user), "--clear-groups")
    powers = ("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
    words = ("unshare", *spaces, "--", "setpriv", *ids, *powers, "--", "/bin/sh", "-c", _LIMITS, "sh", command)
    environment = {"PATH": _PATH, "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}
    try:
        return await asyncio.create_subprocess_exec(
            *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, cwd=folder, env=environment, start_new_session=True
        )
    except (OSError, ValueError) as error:  # ValueError: a null byte in the command
        raise CommandError(f"The command could not be started: {error}") from error


async def _finish(process: Process) -> Finished:
    assert process.stdout is not None
    assert process.stderr is not None
    stdout, stderr = await asyncio.gather(_read(process, process.stdout), _read(process, process.stderr))
    code = await process.wait()
    if stdout is None or stderr is None:
        raise CommandError(f"{'stdout' if stdout is None else 'stderr'} maxBuffer length exceeded")
    if stderr.startswith(("unshare: ", "setpriv: ")):
        raise CommandError(f"Commands cannot be confined here: {stderr.strip()}")
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
