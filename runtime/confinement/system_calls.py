"""The system calls that a child may make, as data, and the seccomp filter that is made of them.

An allow-list: what is not named fails with EPERM. `THREADS` is what V8 and Python need once everything is loaded:
memory, threads, clocks, and the descriptors that are open. `PROGRAM` adds what a native program needs to be executed
and to load its libraries: opening files for reading. Nothing makes a socket, a process, a file or a mapping into another
process.

Commands of authors may do what a shell does. For them there is a list of what is denied: namespaces, and memory that belongs
to no process, which nobody could add up.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

__all__ = ["ARCHITECTURES", "DENIED", "NUMBERS", "PROGRAM", "THREADS", "Rule", "assemble", "assemble_denials"]

ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT: Final = 0x40000000
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD, _CLONE_NEW_ANYTHING = 0x00010000, 0x7E020080
_WRITING: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000  # WRONLY RDWR CREAT TRUNC APPEND TMPFILE


@dataclass(frozen=True)
class Rule:
    """A call that is allowed. `conditions`: (argument, mask, value), all of which must hold: `argument & mask == value`.

    `own`: the argument that must be the process's own id, or -1.
    """

    name: str
    conditions: tuple[tuple[int, int, int], ...] = ()
    own: int = -1


_ANY: Final = 0xFFFFFFFFFFFFFFFF
_PLAIN: Final = (
    # descriptors that are open
    "read", "readv", "pread64", "write", "writev", "close", "lseek", "fstat", "dup", "fcntl", "recvfrom", "shutdown", "poll", "ppoll",
    "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2",
    # memory
    "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "pkey_alloc", "pkey_free", "pkey_mprotect", "membarrier",
    # threads and signals of its own
    "futex", "futex_waitv", "set_robust_list", "set_tid_address", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "restart_syscall", "exit", "exit_group", "arch_prctl", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "getcpu",
    # clocks and facts
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getrandom", "getpid",
    "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrusage", "getrlimit", "sysinfo", "uname",
)  # fmt: skip

THREADS: Final = (
    *(Rule(name) for name in _PLAIN),
    Rule("clone", ((0, _CLONE_THREAD | _CLONE_NEW_ANYTHING, _CLONE_THREAD),)),
    Rule("tgkill", own=0),
    Rule("prlimit64", ((0, 0xFFFFFFFF, 0),)),  # of this process; a hard limit only goes down
    Rule("prctl", ((0, _ANY, 15),)),  # PR_SET_NAME
    Rule("sendto", ((4, _ANY, 0),)),  # on what is connected
    Rule("ioctl", ((1, 0xFFFFFFFF, 0x5421),)),  # FIONBIO
)
PROGRAM: Final = (
    *THREADS,
    *(Rule(name) for name in ("execve", "access", "faccessat", "newfstatat", "statx", "readlink", "readlinkat")),
    Rule("openat", ((2, _WRITING, 0),)),
)
_MAP_KIND: Final = 0x2F  # MAP_TYPE and MAP_ANONYMOUS
_SHARED_ANONYMOUS: Final = 0x21
DENIED: Final = (
    *(Rule(name) for name in (
        # memory and queues that outlive what made them
        "memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open", "vmsplice", "userfaultfd", "io_uring_setup",
        # namespaces, in which a user would be root and could mount file systems
        "unshare", "setns",
        # what looks into the kernel, and keys of other processes
        "bpf", "perf_event_open", "add_key", "request_key", "keyctl",
    )),
    Rule("mmap", ((3, _MAP_KIND, _SHARED_ANONYMOUS),)),
    *(Rule("clone", ((0, 1 << bit, 1 << bit),)) for bit in range(32) if _CLONE_NEW_ANYTHING >> bit & 1),
)  # fmt: skip
"""What a command of an author may not call."""

NUMBERS: Final[dict[str, tuple[int, int]]] = {
    "access": (21, -1), "add_key": (248, 217), "arch_prctl": (158, -1), "bpf": (321, 280), "brk": (12, 214),
    "clock_getres": (229, 114), "clock_gettime": (228, 113), "clock_nanosleep": (230, 115), "clone": (56, 220),
    "clone3": (435, 435), "close": (3, 57), "dup": (32, 23), "epoll_create1": (291, 20), "epoll_ctl": (233, 21),
    "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "epoll_wait": (232, -1), "eventfd2": (290, 19),
    "execve": (59, 221), "exit": (60, 93), "exit_group": (231, 94), "faccessat": (269, 48), "fcntl": (72, 25),
    "fstat": (5, 80), "futex": (202, 98), "futex_waitv": (449, 449), "getcpu": (309, 168), "getegid": (108, 177),
    "geteuid": (107, 175), "getgid": (104, 176), "getpid": (39, 172), "getppid": (110, 173), "getrandom": (318, 278),
    "getrlimit": (97, 163), "getrusage": (98, 165), "gettid": (186, 178), "gettimeofday": (96, 169),
    "getuid": (102, 174), "io_uring_setup": (425, 425), "ioctl": (16, 29), "keyctl": (250, 219), "lseek": (8, 62),
    "madvise": (28, 233), "membarrier": (324, 283), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "mmap": (9, 222), "mprotect": (10, 226), "mq_open": (240, 180), "mremap": (25, 216), "msgget": (68, 186),
    "munmap": (11, 215), "nanosleep": (35, 101), "newfstatat": (262, 79), "openat": (257, 56),
    "perf_event_open": (298, 241), "pipe2": (293, 59), "pkey_alloc": (330, 289), "pkey_free": (331, 290),
    "pkey_mprotect": (329, 288), "poll": (7, -1), "ppoll": (271, 73), "prctl": (157, 167), "pread64": (17, 67),
    "prlimit64": (302, 261), "pselect6": (270, 72), "read": (0, 63), "readlink": (89, -1), "readlinkat": (267, 78),
    "readv": (19, 65), "recvfrom": (45, 207), "request_key": (249, 218), "restart_syscall": (219, 128),
    "rseq": (334, 293), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123), "sched_getparam": (143, 121), "sched_getscheduler": (145, 120),
    "sched_yield": (24, 124), "select": (23, -1), "semget": (64, 190), "sendto": (44, 206),
    "set_robust_list": (273, 99), "set_tid_address": (218, 96), "setns": (308, 268), "shmget": (29, 194),
    "shutdown": (48, 210), "sigaltstack": (131, 132), "statx": (332, 291), "sysinfo": (99, 179), "tgkill": (234, 131),
    "time": (201, -1), "times": (100, 153), "uname": (63, 160), "unshare": (272, 97), "userfaultfd": (323, 282),
    "vmsplice": (278, 75), "write": (1, 64), "writev": (20, 66),
}  # fmt: skip
"""Call -> its number on x86_64 and on aarch64; -1: the machine has none."""

_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06


def assemble(rules: tuple[Rule, ...], machine: str, process: int) -> bytes:
    """Return the filter for a machine (`x86_64`, `aarch64`) as an array of `struct sock_filter`; `process`: the own id.

    Raise KeyError for another machine.
    """
    column = _column(machine)
    code = _head(machine, column)
    for rule in rules:
        if (number := NUMBERS[rule.name][column]) >= 0:
            code += _block(number, rule, _ALLOW, process)
    return b"".join([*code, _op(_RETURN, _ERRNO | _EPERM)])


def assemble_denials(machine: str) -> bytes:
    """Return the filter of a command: what is in DENIED fails with EPERM, everything else is allowed. Raise as `assemble`."""
    column = _column(machine)
    code = _head(machine, column)
    for rule in DENIED:
        code += _block(NUMBERS[rule.name][column], rule, _ERRNO | _EPERM, 0)
    return b"".join([*code, _op(_RETURN, _ALLOW)])


def _column(machine: str) -> int:
    return list(ARCHITECTURES).index(machine) if machine in ARCHITECTURES else -1


def _head(machine: str, column: int) -> list[bytes]:
    """Return the instructions that end a call of another machine, and load the number of any other."""
    return [
        _op(_LOAD, 4),
        _op(_EQUAL, ARCHITECTURES[machine], 1, 0),
        _op(_RETURN, _KILL_PROCESS),
        _op(_LOAD, 0),
        _op(_AT_LEAST, _X32_BIT, 0, 1),
        _op(_RETURN, _KILL_PROCESS),
        # glibc then calls clone, whose flags a filter can see
        _op(_EQUAL, NUMBERS["clone3"][column], 0, 1),
        _op(_RETURN, _ERRNO | _ENOSYS),
    ]


def _block(number: int, rule: Rule, verdict: int, process: int) -> list[bytes]:
    """Return the instructions that give a call its verdict; where a condition fails they go on behind themselves."""
    own = ((rule.own, 0xFFFFFFFF, process),) if rule.own >= 0 else ()
    halves = [
        (16 + 8 * argument + 4 * half, mask >> 32 * half & 0xFFFFFFFF, value >> 32 * half & 0xFFFFFFFF)
        for argument, mask, value in (*rule.conditions, *own)
        for half in (0, 1)
        if mask >> 32 * half & 0xFFFFFFFF
    ]
    if not halves:
        return [_op(_EQUAL, number, 0, 1), _op(_RETURN, verdict)]
    length = 3 * len(halves) + 1
    body = []
    for i, (offset, mask, value) in enumerate(halves):
        body += [_op(_LOAD, offset), _op(_AND, mask), _op(_EQUAL, value, 0, length - 3 * i - 3)]
    return [_op(_EQUAL, number, 0, length + 1), *body, _op(_RETURN, verdict), _op(_LOAD, 0)]


def _op(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, true, false, value)
