"""Attacks that a child makes on its own walls: what native code could try if it ever broke out of an engine.

A child of `children.start`. Writes JSON lines on stdout: first what the launcher could not build, then an attack before it
is tried and its outcome after it, so that one that ends the process is known, too. None does harm where it is possible:
most make their call with nonsense, which the kernel tells only those whom no wall stops.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.confinement.launcher import Walls

__all__ = ["ATTACKS", "REFUSALS"]

_X86: Final = os.uname().machine == "x86_64"
_PAGE: Final = ctypes.create_string_buffer(4096)
_SIGCHLD: Final = 17
_PTRACE_SEIZE: Final = 0x4206
"""Unlike an attach it stops nobody."""
REFUSALS: Final = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOENT, errno.ESRCH, errno.EROFS)
"""How a wall says no."""


def _call(x86: int, arm: int, *arguments: int) -> int:
    """Make a system call by its number. Raise OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_ulong(each) for each in arguments]
    result = int(libc.syscall(ctypes.c_long(x86 if _X86 else arm), *words))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _address() -> int:
    return ctypes.addressof(_PAGE)


def _read(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


def _read_memory(parent: int) -> None:
    local = (ctypes.c_ulong * 2)(_address(), 16)
    remote = (ctypes.c_ulong * 2)(0x400000, 16)
    _call(310, 270, parent, ctypes.addressof(local), 1, ctypes.addressof(remote), 1, 0)


def _fork(_: int) -> None:
    if _call(56, 220, _SIGCHLD) == 0:
        os._exit(0)


def _fork_by_clone3(_: int) -> None:
    if _call(435, 435, _address(), 88) == 0:
        os._exit(0)


def _execute(_: int) -> None:
    """Succeed with the end of this process, or with an error that is not a refusal."""
    try:
        os.execve("/nonexistent", ["nonexistent"], {})  # noqa: S606
    except FileNotFoundError:
        return  # the kernel went as far as looking for it


def _find_no_limits(_: int) -> None:
    """Succeed unless processor time and memory have an end."""
    limits = {name: resource.getrlimit(getattr(resource, name))[1] for name in ("RLIMIT_CORE", "RLIMIT_FSIZE")}
    unbounded = resource.getrlimit(resource.RLIMIT_DATA)[1] == resource.RLIM_INFINITY and sys.platform == "linux"
    if not unbounded and not any(limits.values()) and resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 64:
        raise OSError(errno.EPERM, "limited")


ATTACKS: Final[dict[str, tuple[str, Callable[[int], object]]]] = {
    # the service's process, whose id every attack is given
    "read the environment of the service": ("service", lambda parent: _read(f"/proc/{parent}/environ")),
    "read the memory of the service": ("service", lambda parent: _read(f"/proc/{parent}/mem")),
    "signal the service": ("service", lambda parent: os.kill(parent, 0)),
    "trace the service": ("service", lambda parent: _call(101, 117, _PTRACE_SEIZE, parent, 0, 0)),
    "copy from the memory of the service": ("service", _read_memory),
    # files
    "read a file": ("files", lambda _: _read("/etc/passwd")),
    "read the interpreter's own files": ("files", lambda _: _read(json.__file__)),
    "list a folder": ("files", lambda _: os.listdir("/proc")),  # noqa: PTH208 - no pathlib here
    "write a file": ("files", lambda _: os.open("/dev/null", os.O_WRONLY)),
    "create a file": ("files", lambda _: os.open("/tmp", os.O_TMPFILE | os.O_WRONLY, 0o600)),  # noqa: S108
    "change the mode of a folder": ("files", lambda _: os.chmod("/", os.stat("/").st_mode & 0o7777)),  # noqa: PTH101, PTH116
    # network
    "open a socket": ("network", lambda _: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    "open an IPv6 socket": ("network", lambda _: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)),
    "open a raw socket": ("network", lambda _: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)),
    "open a local socket": ("network", lambda _: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)),
    "open a packet socket": ("network", lambda _: _call(41, 198, 17, 3, 0)),
    # processes
    "start a process": ("processes", _fork),
    "start a process by clone3": ("processes", _fork_by_clone3),
    "execute a program": ("processes", _execute),
    "raise the priority": ("processes", lambda _: os.nice(-5)),
    # the kernel
    "enter a user namespace": ("system calls", lambda _: _call(272, 97, 0x10000000)),
    "unmount": ("system calls", lambda _: _call(166, 39, _address(), 0x80)),
    "load a BPF program": ("system calls", lambda _: _call(321, 280, 0, _address(), 64)),
    "set up io_uring": ("system calls", lambda _: _call(425, 425, 1, _address())),
    "watch performance events": ("system calls", lambda _: _call(298, 241, _address(), 0, -1, -1, 0)),
    "use a keyring": ("system calls", lambda _: _call(250, 219, 0, -3, 0, 0, 0)),
    "handle page faults": ("system calls", lambda _: _call(323, 282, 1)),
    "load a kernel": ("system calls", lambda _: _call(246, 104, 0, 17, 0, 0)),
    "load a module": ("system calls", lambda _: _call(175, 105, _address(), 16, _address())),
    "open by handle": ("system calls", lambda _: _call(304, 265, -100, _address(), 0)),
    "find shared memory": ("system calls", lambda _: _call(31, 195, -1, 2, _address())),
    "find a message queue": ("system calls", lambda _: _call(71, 187, -1, 3, _address())),
    "create a file in memory": ("system calls", lambda _: _call(319, 279, _address(), 0)),
    # rights
    "become root": ("privileges", lambda _: _call(117, 147, 0, 0, 0)),
    "change the root": ("privileges", lambda _: os.chroot("/")),
    "set the host's name": ("privileges", lambda _: _call(170, 161, 0, 1)),
    "set the clock": ("privileges", lambda _: _call(227, 112, 0, 0)),
    # limits
    "find no limits": ("limits", _find_no_limits),
}
"""Attack -> the wall that it tries, and a function of the service's process id that raises where the wall stands."""


def prepare(arguments: tuple[str, ...]) -> None:
    """Load the C library, which the attacks use."""
    del arguments
    ctypes.CDLL(None)


def serve(walls: Walls) -> None:
    """Make every attack."""
    walls.limit_memory()
    _say({"missing": walls.missing})
    for name, (_, attack) in ATTACKS.items():
        _say({"try": name})
        try:
            attack(walls.spec.parent)
            outcome = "possible"
        except AttributeError:
            outcome = "refused"  # the system has not even the call
        except OSError as error:
            # anything else comes from behind the wall: the call was made, with nonsense
            outcome = "refused" if error.errno in REFUSALS else "possible"
        _say({outcome: name})
    _say({"done": len(ATTACKS)})


def _say(line: dict[str, object]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")
