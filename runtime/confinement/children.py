"""Start confined children. Blocking; any thread may call."""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from runtime.confinement.limits import ChildLimits, LaunchSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ENVIRONMENT",
    "START_SECONDS",
    "ConfinedProcess",
    "Policy",
    "configure",
    "policy",
    "program_path",
    "resident_bytes",
    "start",
]

ENVIRONMENT: Final = {
    "TZ": "UTC",
    "LANG": "en_US.UTF-8",
    # Linux always has this one, and may lack the other: then Python could read no path that is not ASCII, its own included
    "LC_CTYPE": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8",
}
"""All that a child sees of ours; n8n's sandbox runs in UTC and en-US, too."""
START_SECONDS: Final = 120.0
"""How long a child of any kind may take until it takes work. A start takes 150 ms of a processor, which a machine where many processes
start at once, or that is busy with other things, may not have for long. One that has ended is not waited for."""
UNUSED_USERS: Final = (1_879_048_192, 1_879_048_255)
"""Where the service is root and nothing is configured: ids that systemd's list of ranges leaves free."""
_ROOT: Final = str(Path(__file__).parents[2])
_BOOT: Final = (
    "import sys; sys.path.append(sys.argv[1]); from runtime.confinement.launcher import main; main(*sys.argv[2:])"
)
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Policy:
    """How strictly this process confines its children."""

    strict: bool = False
    """Whether a child without all walls may not run (`TEMPOR8_SANDBOX=require`)."""
    users: tuple[int, int] | None = None
    """First and last id of the users that children become; None: unused ids where the service is root, else its own."""


_policy = Policy()


def configure(new: Policy) -> None:
    """Set the policy of this process, before the first child."""
    global _policy  # noqa: PLW0603 - one per process, as the walls are
    _policy = new


def policy() -> Policy:
    """Return the policy of this process."""
    return _policy


class ConfinedProcess(subprocess.Popen[bytes]):
    """A child. Its own process is a supervisor's: `inner_pid` does the work. Killing either ends both."""

    report: int = -1
    _inner: int | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._reporting = threading.Lock()
        super().__init__(*arguments, **options)

    @property
    def inner_pid(self) -> int:
        """Return the id of the process that does the work; the supervisor's where that is not known. Any thread may ask."""
        with self._reporting:  # read once, and closed once: by then the number may be another file's
            if self._inner is None:
                text = os.read(self.report, 32) if self.report >= 0 else b""
                self._inner = int(text) if text.strip() else self.pid
                self._forget_report()
            return self._inner

    def _forget_report(self) -> None:
        """Close the descriptor that tells `inner_pid`."""
        report, self.report = self.report, -1
        if report >= 0:
            os.close(report)

    def end(self) -> None:
        """Kill it now, reap it and close its pipes, whatever fails on the way."""
        with contextlib.ExitStack() as closing:
            for pipe in (self.stdin, self.stdout):
                if pipe is not None:
                    closing.callback(_close, pipe)
            closing.callback(self._end_report)
            self.kill()
            self.wait()

    def _end_report(self) -> None:
        with self._reporting:
            self._forget_report()


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # what was not written goes nowhere
        pipe.close()


def start(
    module: str,
    arguments: Sequence[str] = (),
    *,
    limits: ChildLimits,
    environment: Mapping[str, str] = ENVIRONMENT,
    lenient: bool = False,
    stdin: int = subprocess.PIPE,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.DEVNULL,
) -> ConfinedProcess:
    """Start a child behind all walls that the system allows and return it at once.

    `module`: a module, by its name or its file, that imports nothing but the standard library and its own engine. It has
    `prepare(arguments)`, which loads all that is needed, and `serve(walls)`, which runs behind the walls. `stdin`, `stdout`: as for
    Popen; one end of a socket pair serves as both. `stderr`: by default nobody hears it, since engines print their last words there.
    `lenient`: run without what cannot be built, whatever the policy. Raise OSError.
    """
    reading, writing = os.pipe()
    spec = _spec(limits, module, tuple(arguments), report=writing, strict=_policy.strict and not lenient)
    try:
        process = ConfinedProcess(
            [sys.executable, "-I", "-c", _BOOT, _ROOT, spec.dump()],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment),
            cwd="/",
            pass_fds=(writing,),
            start_new_session=True,  # Ctrl-C is for the service, which ends its children itself
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    process.report = reading
    return process


def _spec(
    limits: ChildLimits, module: str | None, arguments: tuple[str, ...], *, report: int | None, strict: bool
) -> LaunchSpec:
    users = _policy.users or (UNUSED_USERS if os.geteuid() == 0 else None)
    return LaunchSpec(
        limits=limits,
        parent=os.getpid(),
        users=users,
        strict=strict,
        module=module,
        arguments=arguments,
        report=report,
    )


@cache
def _program(process: int, limits: ChildLimits, arguments: tuple[str, ...], policy: Policy) -> str:
    del process  # part of the key
    spec = _spec(limits, None, arguments, report=None, strict=policy.strict)
    words = [sys.executable, "-I", "-c", _BOOT, _ROOT, spec.dump()]
    text = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    if hasattr(os, "memfd_create"):
        # a file in a temporary folder might not be executable: containers mount theirs without
        descriptor = os.memfd_create("confined")
        os.write(descriptor, text.encode())
        return f"/proc/{os.getpid()}/fd/{descriptor}"
    with tempfile.NamedTemporaryFile("w", prefix="tempor8-", suffix=".sh", delete=False) as file:
        file.write(text)
    path = Path(file.name)
    path.chmod(0o700)
    atexit.register(path.unlink, missing_ok=True)
    return file.name


def program_path(arguments: Sequence[str], limits: ChildLimits) -> str:
    """Return the path of a program that executes a native program with these arguments behind the walls.

    For libraries that start their workers themselves and take a path. What they add to the command line comes after the arguments.
    """
    return _program(os.getpid(), limits, tuple(arguments), _policy)


def resident_bytes(process: int) -> int:
    """Return the bytes of memory that a process uses; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
