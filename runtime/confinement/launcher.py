"""Starts one confined child: `python -I -c BOOT ROOT SPEC` runs `main`.

In this order, since each step needs what the next takes away:

1. namespaces;
2. a supervisor stays outside the new process namespace, and ends the child with the service;
3. the child's module loads all that it needs (`prepare`), while it still can;
4. the walls close: root, user, capabilities, limits, files, system calls;
5. the child serves, and from here on meets what authors wrote (`serve`). A native program is executed instead of 3 and 5.

What cannot be built is passed on to the child by name, with the reason; under `strict` it ends the child.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import resource
import select
import signal
import sys
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, cast

from runtime.confinement import kernel, namespaces
from runtime.confinement.limits import LaunchSpec
from runtime.confinement.system_calls import ARCHITECTURES, PROGRAM, THREADS, assemble

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["STRICT_EXIT", "Walls", "main"]

LINUX: Final = sys.platform == "linux"
STRICT_EXIT: Final = 77
"""Exit code of a child that lacks a wall under `strict`."""
_LIBRARIES: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_supervisor: int | None = None
"""A child's descriptor of its supervisor, until the walls stand."""


class Child(Protocol):
    """The module of a child."""

    def prepare(self, arguments: tuple[str, ...]) -> None:
        """Load all that will be needed. Nothing of an author's is there yet."""

    def serve(self, walls: Walls) -> None:
        """Work behind the walls, until stdin ends."""


class Walls:
    """What a child is told of its walls."""

    def __init__(self, spec: LaunchSpec, missing: dict[str, str]) -> None:
        self.spec = spec
        self.missing = missing
        """Wall or namespace -> why it is not there."""
        self._status = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC) if LINUX else -1

    def limit_memory(self) -> None:
        """Limit what may be written beyond what the process has now.

        V8 reserves terabytes of addresses and half a gigabyte of data when it starts, so neither address space nor all
        data together says anything: call this when everything is in place.
        """
        if self._status < 0:
            return
        text = os.pread(self._status, 65536, 0).decode("ascii", "replace")
        now = next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("VmData"))
        _limit("RLIMIT_DATA", now + self.spec.limits.memory_bytes)

    def _build(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, KeyError, StopIteration) as error:
            self.missing[name] = f"the system refuses it ({getattr(error, 'strerror', None) or error})"

    def close(self, program: str | None) -> None:
        """Build every wall that stands before foreign code runs."""
        spec = self.spec
        if not LINUX:
            self.missing |= dict.fromkeys(("files", "user", "privileges", "system calls"), "only Linux has it")
            self._rlimits(same_user=True)
            return
        if "files" not in self.missing:
            self._build("root", lambda: namespaces.close_root(program))
        before = os.getuid()
        if spec.users is not None:
            first, last = spec.users
            self._build("user", lambda: _become(_one_of(first, last)))
        elif before != 0:
            self.missing["user"] = "only root may start a process as another user"
        _forget_supervisor()
        self._rlimits(same_user=os.getuid() == before)
        self._build("privileges", _give_up_privileges)
        readable = (program, *filter(os.path.isdir, _LIBRARIES)) if program else ()
        self._build("landlock", lambda: kernel.deny_files(readable))
        self._build("system calls", lambda: _filter_calls(native=program is not None))
        if {"root", "files"} & self.missing.keys() and "landlock" in self.missing:
            self.missing["files"] = self.missing.get("files") or self.missing["root"]
        else:
            self.missing.pop("files", None)  # one of the two is enough

    def _rlimits(self, *, same_user: bool) -> None:
        limits = self.spec.limits
        _limit("RLIMIT_NOFILE", limits.open_files)
        _limit("RLIMIT_FSIZE", 0)
        if limits.cpu_seconds is not None:
            _limit("RLIMIT_CPU", limits.cpu_seconds)
        if not same_user:  # the number counts all processes of a user
            _limit("RLIMIT_NPROC", limits.threads)


def main(text: str, *further: str) -> None:
    """Start what a spec says; `further` are arguments for a native program. Never returns to the service's code."""
    spec = LaunchSpec.load(text)
    _limit("RLIMIT_CORE", 0)
    missing = namespaces.enter() if LINUX else {}
    _close_descriptors(spec.report)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # so that a signal or a priority for the group reaches supervisor and child
    if LINUX:
        _fork(spec)
    elif spec.report is not None:
        _report(spec.report, os.getpid())
    walls = Walls(spec, missing)
    if spec.module is None:
        _execute(walls, (*spec.arguments, *further))
    child = _load(spec.module)
    child.prepare(spec.arguments)
    walls.close(None)
    _insist(walls)
    child.serve(walls)


def _load(module: str) -> Child:
    """Import a module by its name; one that is given by its file, without the packages around it."""
    if not module.endswith(".py"):
        return cast("Child", importlib.import_module(module))
    spec = importlib.util.spec_from_file_location("confined_child", module)
    assert spec is not None  # of a file there always is one
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return cast("Child", found)


def _close_descriptors(report: int | None) -> None:
    """Close whatever a library that started us left open, and everything that is said on stderr."""
    top = max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1024)
    if report is None:
        os.closerange(3, top)
    else:
        os.closerange(3, report)
        os.closerange(report + 1, top)
    nothing = os.open("/dev/null", os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)


def _execute(walls: Walls, arguments: tuple[str, ...]) -> NoReturn:
    program = arguments[0]
    walls.limit_memory()
    walls.close(program)
    _insist(walls)
    os.execve(program, arguments, {})  # noqa: S606 - the program that we were told, and no shell


def _insist(walls: Walls) -> None:
    """End here when a wall is required and missing. Namespaces stand behind the filter of system calls, as a second wall."""
    if walls.spec.strict and walls.missing.keys() & {"user", "privileges", "files", "system calls"}:
        os._exit(STRICT_EXIT)


def _limit(name: str, value: int) -> None:
    number = getattr(resource, name, None)
    if number is None:
        return
    _, hard = resource.getrlimit(number)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(number, (value, value))
    except (ValueError, OSError):
        return  # macOS does not know all of them


def _one_of(first: int, last: int) -> int:
    """Return one of the users by chance: the ids of processes that start one after the other are all even, or all odd."""
    return first + int.from_bytes(os.urandom(8), "big") % (last - first + 1)


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _end_with_supervisor()  # a change of user clears it


def _give_up_privileges() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()


def _filter_calls(*, native: bool) -> None:
    if kernel.MACHINE not in ARCHITECTURES:
        raise OSError(0, f"no list of calls for {kernel.MACHINE}")
    kernel.install_filter(assemble(PROGRAM if native else THREADS, kernel.MACHINE, os.getpid()))


def _fork(spec: LaunchSpec) -> None:
    """Go on as the child. The process that was started stays as its supervisor and ends as the child ends."""
    global _supervisor  # noqa: PLW0603 - of this process
    service = _process(spec.parent)
    _supervisor = _descriptor_of(os.getpid())
    child = os.fork()
    if child == 0:
        _end_with_supervisor()
        if service is not None:
            os.close(service)
        if spec.report is not None:
            os.close(spec.report)
        return
    if spec.report is not None:
        _report(spec.report, child)
    for descriptor in (0, 1):  # whoever is at the other end must see when the child is gone
        os.close(descriptor)
    if service is not None:
        _await_either(service, child)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _process(parent: int) -> int | None:
    """Return a descriptor that is readable when the service has ended; None: the kernel has none."""
    service = _descriptor_of(parent)
    if service is None:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # follows the thread that started us, at least
    if os.getppid() != parent:
        os._exit(0)  # it ended before we looked
    return service


def _descriptor_of(process: int) -> int | None:
    """Return a descriptor that is readable when a process has ended; None: the kernel has none."""
    try:
        return os.pidfd_open(process)
    except OSError:
        return None


def _end_with_supervisor() -> None:
    """Let the kernel end this process with its supervisor, and end here where it was killed before the kernel knew."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if _supervisor is not None and select.select([_supervisor], [], [], 0)[0]:
        os._exit(0)


def _forget_supervisor() -> None:
    """Close its descriptor: foreign code inherits nothing."""
    global _supervisor  # noqa: PLW0603 - of this process
    if _supervisor is not None:
        os.close(_supervisor)
        _supervisor = None


def _await_either(service: int, child: int) -> None:
    """Return when the child has ended; end it when the service has."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(service, select.POLLIN)
    poll.register(ended, select.POLLIN)
    if all(descriptor != ended for descriptor, _ in poll.poll()):
        os.kill(child, signal.SIGKILL)


def _report(descriptor: int, process: int) -> None:
    os.write(descriptor, b"%d\n" % process)
    os.close(descriptor)
