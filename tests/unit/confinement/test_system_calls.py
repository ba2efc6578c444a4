"""The filter of system calls, carried out as the kernel would, on both machines."""

import struct

import pytest

from runtime.confinement.system_calls import (
    ARCHITECTURES,
    DENIED,
    NUMBERS,
    PROGRAM,
    THREADS,
    Rule,
    assemble,
    assemble_denials,
)

OWN = 4711
ALLOWED, EPERM, ENOSYS, KILLED = "allowed", "EPERM", "ENOSYS", "killed"
VERDICTS = {0x7FFF0000: ALLOWED, 0x00050001: EPERM, 0x00050026: ENOSYS, 0x80000000: KILLED}
CLONE_THREAD, CLONE_NEWUSER, SIGCHLD = 0x10000, 0x10000000, 17
O_WRONLY, O_RDWR, O_CREAT, O_CLOEXEC = 1, 2, 0o100, 0o2000000


def verdict(
    number: int, *arguments: int, rules: tuple[Rule, ...] = THREADS, machine: str = "x86_64", asked: str | None = None
) -> str:
    """What the filter for a machine says of a call that comes from the machine `asked`; rules DENIED: the filter of a command."""
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=iIQ6Q", number, ARCHITECTURES[asked or machine], 0, *words)
    program = assemble_denials(machine) if rules is DENIED else assemble(rules, machine, OWN)
    at, a = 0, 0
    while True:
        code, true, false, value = struct.unpack_from("=HBBI", program, 8 * at)
        at += 1
        match code:
            case 0x20:
                (a,) = struct.unpack_from("=I", data, value)
            case 0x54:
                a &= value
            case 0x15:
                at += true if a == value else false
            case 0x35:
                at += true if a >= value else false
            case 0x06:
                return VERDICTS[value]
            case _:
                raise AssertionError(f"an instruction that the filter does not use: {code:#x}")


def call(name: str, *arguments: int, rules: tuple[Rule, ...] = THREADS, machine: str = "x86_64") -> str:
    """What the filter says of a call by name."""
    return verdict(NUMBERS[name][list(ARCHITECTURES).index(machine)], *arguments, rules=rules, machine=machine)


CASES = [
    ("read", (), ALLOWED, "what is open may be read"),
    ("futex", (), ALLOWED, "threads wait for each other"),
    ("clone", (CLONE_THREAD | 0x3D0F00,), ALLOWED, "a thread"),
    ("clone", (SIGCHLD,), EPERM, "a process"),
    ("clone", (CLONE_THREAD | CLONE_NEWUSER,), EPERM, "a thread in a namespace of its own"),
    (
        "clone3",
        (0, 88),
        ENOSYS,
        "its flags are in memory, where the filter cannot look; the C library then calls clone",
    ),
    ("tgkill", (OWN, OWN, 6), ALLOWED, "abort() signals itself"),
    ("tgkill", (1, 1, 9), EPERM, "nobody else is signalled"),
    ("tgkill", (OWN | 1 << 32, 0, 6), ALLOWED, "the kernel reads 32 bits of a process id"),
    ("prlimit64", (0, 2, 0, 0), ALLOWED, "its own limits"),
    ("prlimit64", (1, 2, 0, 0), EPERM, "another's limits"),
    ("prctl", (15,), ALLOWED, "the name of a thread"),
    ("prctl", (4, 1), EPERM, "nothing else about the process"),
    ("prctl", (15 | 1 << 40,), EPERM, "both halves of an argument count"),
    ("sendto", (5, 0, 1, 0, 0, 0), ALLOWED, "the event loop wakes itself"),
    ("sendto", (5, 0, 1, 0, 0x1000, 16), EPERM, "no address is sent to"),
    ("ioctl", (5, 0x5421), ALLOWED, "a descriptor that does not block"),
    ("ioctl", (0, 0x5412), EPERM, "nothing is typed into a terminal"),
    ("openat", (0, 0, 0), EPERM, "no file is opened"),
    ("execve", (0, 0, 0), EPERM, "nothing is executed"),
]


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize(("name", "arguments", "wanted", "why"), CASES, ids=[f"{case[0]}: {case[3]}" for case in CASES])
def test_the_filter_of_threads(name: str, arguments: tuple[int, ...], wanted: str, why: str, machine: str) -> None:
    assert call(name, *arguments, machine=machine) == wanted, why


@pytest.mark.parametrize("flags", [O_WRONLY, O_RDWR, O_CREAT, O_RDWR | O_CREAT | O_CLOEXEC, 0o1000, 0o20200000])
def test_a_native_program_opens_files_for_reading_only(flags: int) -> None:
    assert call("openat", 0, 0, flags, rules=PROGRAM) == EPERM
    assert call("openat", 0, 0, O_CLOEXEC, rules=PROGRAM) == ALLOWED


COMMANDS = [
    ("clone", (SIGCHLD,), ALLOWED, "a process"),
    ("clone", (CLONE_NEWUSER | SIGCHLD,), EPERM, "a process in a namespace of its own"),
    ("clone", (0x80 | SIGCHLD,), EPERM, "a process with clocks of its own"),
    ("clone3", (0, 88), ENOSYS, "its flags are in memory"),
    ("unshare", (0,), EPERM, "a namespace for itself"),
    ("mmap", (0, 4096, 3, 0x22), ALLOWED, "memory of its own"),
    ("mmap", (0, 4096, 3, 0x01), ALLOWED, "a file that others see"),
    ("mmap", (0, 4096, 3, 0x21), EPERM, "memory that belongs to nobody"),
    ("mmap", (0, 4096, 3, 0x21 | 0x40000), EPERM, "the same with huge pages"),
    ("memfd_create", (0, 0), EPERM, "a file that is in no folder"),
    ("execve", (0, 0, 0), ALLOWED, "a program"),
    ("openat", (0, 0, O_RDWR), ALLOWED, "a file"),
]


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize(
    ("name", "arguments", "wanted", "why"), COMMANDS, ids=[f"{case[0]}: {case[3]}" for case in COMMANDS]
)
def test_the_filter_of_commands(name: str, arguments: tuple[int, ...], wanted: str, why: str, machine: str) -> None:
    assert call(name, *arguments, rules=DENIED, machine=machine) == wanted, why


FORBIDDEN = {
    "socket": 41, "connect": 42, "bind": 49, "socketpair": 53, "fork": 57, "vfork": 58, "kill": 62, "ptrace": 101, "chroot": 161,
    "mount": 165, "pivot_root": 155, "kexec_load": 246, "unshare": 272, "splice": 275, "perf_event_open": 298, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "seccomp": 317, "memfd_create": 319, "bpf": 321, "execveat": 322,
    "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426, "pidfd_getfd": 438, "openat2": 437, "open": 2, "creat": 85,
    "sendmsg": 46, "recvmsg": 47, "setuid": 105, "capset": 126, "keyctl": 250, "add_key": 248, "shmget": 29, "msgget": 68,
    "process_madvise": 440, "landlock_restrict_self": 446, "a call of a later kernel": 999,
}  # fmt: skip


@pytest.mark.parametrize("number", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_is_not_listed_is_refused(number: int) -> None:
    """Under both lists, whatever the arguments."""
    for rules in (THREADS, PROGRAM):
        assert verdict(number, 0, 0, 0, rules=rules) == EPERM


def test_calls_by_the_numbers_of_another_machine_end_the_process() -> None:
    """The 32-bit entry and the x32 numbers would mean other calls."""
    assert verdict(0, machine="x86_64", asked="aarch64") == KILLED
    assert verdict(0x40000000 | 59) == KILLED
    assert verdict(0, rules=DENIED, asked="aarch64") == KILLED


def test_every_rule_has_numbers() -> None:
    """A call without a number would be allowed nowhere, or everywhere."""
    assert {rule.name for rule in PROGRAM} <= NUMBERS.keys()
    for column in (0, 1):
        numbers = [numbers[column] for numbers in NUMBERS.values() if numbers[column] >= 0]
        assert len(numbers) == len(set(numbers))


def test_a_machine_without_a_list_has_no_filter() -> None:
    with pytest.raises(KeyError):
        assemble(THREADS, "riscv64", OWN)
