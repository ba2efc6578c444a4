"""The calls of Linux that Python has no name for. Each raises OSError."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from functools import cache
from typing import Final

__all__ = [
    "MACHINE",
    "deny_files",
    "drop_capabilities",
    "install_filter",
    "mount",
    "pivot_root",
    "prctl",
    "unmount",
    "unshare",
]

MACHINE: Final = os.uname().machine if sys.platform == "linux" else ""
_X86: Final = MACHINE == "x86_64"

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38

NAMESPACES: Final = {
    "users": 0x10000000,
    "files": 0x00020000,
    "network": 0x40000000,
    "processes": 0x20000000,
    "messages": 0x08000000,
    "hostname": 0x04000000,
}
"""Name of a namespace -> flag of unshare(2)."""

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x20, 0x1000, 0x4000, 0x40000

_NR_PIVOT_ROOT: Final = 155 if _X86 else 41
_NR_CAPSET: Final = 126 if _X86 else 91
_NR_SECCOMP: Final = 317 if _X86 else 277
_NR_LANDLOCK_CREATE, _NR_LANDLOCK_ADD, _NR_LANDLOCK_RESTRICT = 444, 445, 446
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1
_MNT_DETACH: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
_LANDLOCK_RULE_PATH_BENEATH: Final = 1
_LANDLOCK_READ_AND_EXECUTE: Final = 0b1101  # EXECUTE, READ_FILE, READ_DIR
_LANDLOCK_EXECUTE_FILE: Final = 0b101


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _syscall(number: int, *arguments: object) -> int:
    function = _libc().syscall
    function.restype = ctypes.c_long
    return _checked(function(ctypes.c_long(number), *arguments))


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process."""
    zero = ctypes.c_ulong(0)
    _checked(_libc().prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero))


def unshare(flags: int) -> None:
    """Give this process namespaces of its own."""
    _checked(_libc().unshare(ctypes.c_int(flags)))


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount a file system."""
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _checked(_libc().mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]))


def unmount(target: str) -> None:
    """Take a mount out of sight, in use or not."""
    _checked(_libc().umount2(os.fsencode(target), _MNT_DETACH))


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace and put what was the root on `old`."""
    _syscall(_NR_PIVOT_ROOT, os.fsencode(new), os.fsencode(old))


def drop_capabilities() -> None:
    """Give up every capability of this thread."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _syscall(_NR_CAPSET, header, bytes(24))


def install_filter(program: bytes) -> None:
    """Install a seccomp filter (an array of `struct sock_filter`) in all threads; it stays for good."""
    instructions = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(
        struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions)), struct.calcsize("@HP")
    )
    _syscall(
        _NR_SECCOMP,
        ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC),
        header,
    )


def deny_files(readable: tuple[str, ...] = ()) -> None:
    """Forbid this thread, and those that it will start, to open, change or execute any file but those in and below
    `readable`, which may be read and executed; by Landlock. TCP, signals and abstract sockets go with it where the
    kernel can. It stays for good.
    """
    version = _syscall(_NR_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    network = 0b11 if version >= 4 else 0
    scope = 0b11 if version >= 6 else 0
    attributes = struct.pack("=QQQ", files, network, scope)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _syscall(_NR_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow(ruleset, path)
        _syscall(_NR_LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _LANDLOCK_READ_AND_EXECUTE if os.path.isdir(path) else _LANDLOCK_EXECUTE_FILE  # noqa: PTH112 - no pathlib here
        _syscall(
            _NR_LANDLOCK_ADD,
            ctypes.c_int(ruleset),
            ctypes.c_int(_LANDLOCK_RULE_PATH_BENEATH),
            struct.pack("=Qi", rights, descriptor),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(descriptor)
