"""The first process of a command's namespaces: `python -I -S -c BOOT ROOT SPEC` runs `main`.

In this order:

1. Every file system becomes read-only, but for one in memory, of limited size, which is the command's folder, `/tmp`, `/var/tmp`
   and `/dev/shm` at once.
2. The command starts as a child: the filter of system calls, limits of each process, then `setpriv`, which makes it another user.
3. This process stays. It adds up what all processes of its namespace hold in memory, takes in orphans, and ends, and with it the namespace,
   when the command does, when there is too much, or when the service is gone.

What it has to say goes to `report`, which no command inherits: `refused: ...`, or `begun`, and `memory` later.
"""

from __future__ import annotations

import json
import os
import resource
import select
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from runtime.confinement import kernel
from runtime.confinement.system_calls import ARCHITECTURES, assemble_denials

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BEGUN", "MEMORY", "REFUSED", "StageSpec", "main"]

BEGUN: Final = "begun "
"""The report when the walls stand, before the command runs."""
REFUSED: Final = "refused: "
"""Stands in a report when a wall cannot be built; the reason follows, and nothing has run."""
MEMORY: Final = "memory"
"""The end of a report when the command held too much memory, and was ended."""
_SHARED: Final = ("/var/tmp", "/dev/shm")  # noqa: S108 - folders that all users may write to
_TMP: Final = "/tmp"  # noqa: S108
_SECONDS: Final = 0.05
"""Between two looks at the memory; longer where a look takes long."""
_DESCRIPTOR_BYTES: Final = 256 << 10
"""What the kernel may hold for an open socket or pipe, and no process's size shows."""
_FAILED: Final = 126
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class StageSpec:
    """Everything that the stage is told. Sizes are bytes."""

    user: int
    folder: str
    """Where the command begins: a path below /tmp that does not exist yet."""
    words: tuple[str, ...]
    """What is executed."""
    life: int
    """Descriptor that is at its end when the service is gone."""
    report: int
    memory: int
    """What all processes together may hold."""
    files: int
    """What all files together may hold."""
    limits: tuple[tuple[str, int], ...]
    """Name and value of the limits of each process."""

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> StageSpec:
        """Return what `dump` wrote."""
        values = json.loads(text)
        limits = tuple((name, value) for name, value in values["limits"])
        return cls(**values | {"words": tuple(values["words"]), "limits": limits})


def main(text: str) -> None:
    """Run what a spec says, and end with its exit code: 128 and the number of the signal that ended it, as in a shell."""
    spec = StageSpec.load(text)
    for descriptor in (spec.life, spec.report):
        os.set_inheritable(descriptor, False)
    try:
        denials = assemble_denials(kernel.MACHINE)
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("1000")  # where the machine's memory ends, the kernel ends this first, and the command with it
        _close_files(spec)
        os.write(spec.report, BEGUN.encode())
        child = os.fork()
    except (OSError, KeyError) as error:
        os.write(spec.report, f"{REFUSED}{_reason(error)}".encode())
        os._exit(_FAILED)
    if child == 0:
        _execute(spec, denials)
    os._exit(_supervise(spec, child))


def _reason(error: OSError | KeyError) -> str:
    if isinstance(error, KeyError):
        return f"there is no list of system calls for {kernel.MACHINE}, only for {', '.join(ARCHITECTURES)}"
    return f"{error.filename or 'the system'}: {error.strerror}"


def _close_files(spec: StageSpec) -> None:
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    quiet = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("none", _TMP, "tmpfs", quiet, "size=64k,mode=755")
    zeros = f"{_TMP}/zeros"
    with open(zeros, "wb") as file:  # noqa: PTH123 - no pathlib here
        file.truncate(1 << 62)  # nothing but holes
    # a mapping of /dev/zero that processes share is memory that belongs to none of them; a file that nobody may write to has none
    kernel.mount(zeros, "/dev/zero", None, kernel.MS_BIND)
    kernel.mount("none", _TMP, "tmpfs", quiet, f"size={spec.files},nr_inodes=32768,mode=1777")
    own = [_TMP, *(path for path in _SHARED if os.path.isdir(path) and not os.path.islink(path))]  # noqa: PTH112, PTH114
    for path in own[1:]:
        kernel.mount(_TMP, path, None, kernel.MS_BIND)
    for path, flags in _mounts():
        if path not in own:
            _make_read_only(path, flags)
    os.mkdir(spec.folder, 0o700)  # noqa: PTH102
    os.chown(spec.folder, spec.user, spec.user)


def _mounts() -> Iterator[tuple[str, int]]:
    """Give each place where something is mounted, and its flags, which a new mount does not take over by itself."""
    names = {"nosuid": kernel.MS_NOSUID, "nodev": kernel.MS_NODEV, "noexec": kernel.MS_NOEXEC}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        lines = file.read().splitlines()
    for line in lines:
        fields = line.split(" ")
        path = fields[4]
        for code in ("\\040", "\\011", "\\012", "\\134"):  # space, tab, line break, backslash
            path = path.replace(code, chr(int(code[1:], 8)))
        yield path, sum(names.get(each, 0) for each in fields[5].split(","))


def _make_read_only(path: str, flags: int) -> None:
    """Raise OSError when the place can be reached and stays writable; some lie below what was mounted over them."""
    try:
        kernel.mount(None, path, None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | flags)
    except OSError as error:
        try:
            writable = not os.statvfs(path).f_flag & os.ST_RDONLY
        except OSError:
            return
        if writable and os.stat(path).st_dev != os.stat(_TMP).st_dev:  # noqa: PTH116
            raise OSError(error.errno, error.strerror, path) from error


def _execute(spec: StageSpec, denials: bytes) -> None:
    """Become the command. Never returns."""
    try:
        os.chdir(spec.folder)
        for name, value in spec.limits:
            number = getattr(resource, name)
            _, hard = resource.getrlimit(number)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)  # noqa: PLW2901
            resource.setrlimit(number, (value, value))
        kernel.install_filter(denials)
        os.execv(spec.words[0], spec.words)  # noqa: S606 - what we were told, and no shell
    except OSError as error:
        os.write(spec.report, f"{REFUSED}{_reason(error)}".encode())
    finally:
        os._exit(_FAILED)


def _supervise(spec: StageSpec, child: int) -> int:
    """Return the exit code of the child; whatever else is in the namespace ends with this process."""
    poll, ended = select.poll(), os.pidfd_open(child)
    for descriptor in (spec.life, ended):
        poll.register(descriptor, select.POLLIN)
    pause = _SECONDS
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(pause * 1000)}
        if ended in ready:
            return _exit_code(os.waitpid(child, 0)[1])
        if spec.life in ready:
            return _FAILED
        began = time.monotonic()
        if _is_over(spec.memory):
            os.write(spec.report, MEMORY.encode())
            return _FAILED
        _take_orphans(child)
        pause = max(_SECONDS, 10 * (time.monotonic() - began))


def _exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _take_orphans(child: int) -> None:
    """Let go of processes that ended and whose parents are gone; the command itself is waited for by its descriptor."""
    while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None and found.si_pid != child:
        os.waitpid(found.si_pid, 0)


def _is_over(limit: int) -> bool:
    """Whether the processes of this namespace hold more: first by what is quick to ask, which counts shared pages for each."""
    processes = [each for each in os.listdir("/proc") if each.isdigit() and int(each) != os.getpid()]  # noqa: PTH208
    held = sum(_descriptors(each) * _DESCRIPTOR_BYTES for each in processes)
    if held + sum(_resident(each) for each in processes) <= limit:
        return False
    return held + sum(_proportional(each) for each in processes) > limit


def _descriptors(process: str) -> int:
    try:
        return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208
    except OSError:  # it has just ended
        return 0


def _resident(process: str) -> int:
    """Bytes in memory and in swap."""
    return _lines(f"/proc/{process}/status", ("VmRSS:", "VmSwap:"))


def _proportional(process: str) -> int:
    """The same, with pages that processes share divided between them."""
    return _lines(f"/proc/{process}/smaps_rollup", ("Pss:", "SwapPss:"))


def _lines(path: str, names: tuple[str, ...]) -> int:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return sum(int(line.split()[1]) << 10 for line in file if line.startswith(names))
    except OSError:
        return 0
