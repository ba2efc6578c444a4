"""Commands of authors: off unless a tenant is named, and what a command finds when they are on."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from runtime.contract import NodeError
from runtime.hosts.temporal.capabilities.commands import WorkerCommands
from runtime.platform import commands
from runtime.platform.commands import CommandError, run
from runtime.platform.settings import Settings, SettingsError
from runtime.sandbox.tenant_slots import TenantSlots
from tests.patience import PATIENCE

SWITCHES: Final[list[tuple[str, dict[str, str]]]] = [
    ("", {"acme": "off", "globex": "off"}),
    ("acme=on", {"acme": "on", "globex": "off"}),
    ("acme=network,*=off", {"acme": "network", "globex": "off"}),
    ("on", {"acme": "on", "globex": "on"}),
]
OWN_FOLDERS: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - of a command
confined = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root may start a process as another user"
)


@pytest.mark.parametrize(("text", "wanted"), SWITCHES)
def test_whose_commands_run(text: str, wanted: dict[str, str]) -> None:
    settings = Settings.load({"TEMPOR8_COMMANDS": text})
    assert {tenant: settings.commands_of(tenant) for tenant in wanted} == wanted


@pytest.mark.parametrize("text", ["yes", "acme", "acme=open"])
def test_a_malformed_switch_is_refused(text: str) -> None:
    """One that is read as "on" by mistake would be worse than no start."""
    with pytest.raises(SettingsError, match="TEMPOR8_COMMANDS"):
        Settings.load({"TEMPOR8_COMMANDS": text})


async def test_without_the_switch_nothing_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(NodeError, match="switched off"):
        await WorkerCommands("off", "acme", TenantSlots(1)).run(f"touch {mark}")
    assert not mark.exists()


@confined
async def test_commands_and_code_share_the_places_of_a_worker() -> None:
    """What both may hold in memory together is bounded by how many of them there are at a time."""
    slots = TenantSlots(1)
    waiting = asyncio.create_task(WorkerCommands("on", "acme", slots).run("echo done"))
    async with slots.hold("globex"):
        while not slots.waiting("acme"):
            await asyncio.sleep(0)
        assert not waiting.done()
    assert (await waiting).stdout == "done"


@confined
async def test_a_command_gives_its_output_and_its_exit_code() -> None:
    done = await run("echo out; echo err >&2; exit 3", network=False)
    assert (done.exit_code, done.stdout, done.stderr) == (3, "out", "err")


@confined
async def test_a_command_has_nothing_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours, no process but its own, no root, no network but a loopback that is down."""
    monkeypatch.setenv("TEMPOR8_MASTER_KEY", "secret")
    done = await run("env; ls /proc | grep -c '^[0-9]'; id -u; tail -n +3 /proc/net/dev | cut -d: -f1", network=False)
    lines = done.stdout.splitlines()
    assert "secret" not in done.stdout
    assert int(lines[-3]) < 8
    assert int(lines[-2]) > 1_000_000
    assert lines[-1].strip() == "lo"


@confined
@pytest.mark.parametrize(
    "attack",
    [
        "cat /proc/$US/environ",
        "cat /root/.ssh/* /etc/shadow",
        "kill -9 $US",
        "mount -t tmpfs none /mnt",
        "unshare --user --map-root-user id && id -u | grep -qx 0",
    ],
)
async def test_an_attack_on_the_machine_fails(attack: str) -> None:
    """`$US`: the process of the tests."""
    assert (await run(attack.replace("$US", str(os.getpid())), network=False)).exit_code != 0


@confined
async def test_a_command_that_takes_too_long_ends_with_all_that_it_started(tmp_path: Path) -> None:
    """A grandchild in a session of its own is in the namespace, which ends with its first process."""
    tmp_path.chmod(0o777)
    with pytest.raises(CommandError, match=r"longer than 0\.5 seconds"):
        await run("setsid sh -c 'while :; do date > /dev/null; sleep 0.1; done' & sleep 60", network=False, seconds=0.5)
    left = [each for each in Path("/proc").glob("[0-9]*/cmdline") if b"date > /dev/null" in _bytes(each)]
    assert left == []


@confined
async def test_too_much_output_ends_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "OUTPUT_BYTES", 1000)
    with pytest.raises(CommandError, match="stdout maxBuffer length exceeded"):
        await run("yes", network=False)


@confined
async def test_the_folder_of_a_command_is_its_own_and_goes_with_it() -> None:
    done = await run("touch here; pwd; ls", network=False)
    folder, file = done.stdout.splitlines()
    assert file == "here"
    assert not Path(folder).exists()


LIMIT: Final = 100 << 20
SOCKETS: Final = "import socket, time; s = [socket.socketpair() for _ in range(120)]"
BOMBS: Final[list[tuple[str, str]]] = [
    ("one process", "python3 -c 'import time; a = bytearray(300 << 20); time.sleep(60)'"),
    ("many processes", "for i in 1 2 3 4 5 6 7 8; do python3 -c 'import time; a = bytearray(30 << 20); time.sleep(60)' & done; wait"),
    ("a grandchild in a session of its own", "setsid python3 -c 'import time; a = bytearray(300 << 20); time.sleep(60)' & sleep 60"),
    ("open sockets", f"p='{SOCKETS}; time.sleep(60)'; for i in 1 2; do python3 -c \"$p\" & done; wait"),
]  # fmt: skip


@confined
@pytest.mark.parametrize(("what", "bomb"), BOMBS, ids=[what for what, _ in BOMBS])
async def test_what_all_processes_of_a_command_hold_is_limited(
    what: str, bomb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del what
    monkeypatch.setattr(commands, "MEMORY_BYTES", LIMIT)
    with pytest.raises(CommandError, match="held more than 104,857,600 bytes in memory"):
        await run(bomb, network=False, seconds=PATIENCE)


@confined
async def test_pages_that_processes_share_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has from the one that it was forked off takes no memory."""
    monkeypatch.setattr(commands, "MEMORY_BYTES", LIMIT)
    forks = "import os, time; a = bytearray(60 << 20); [os.fork() for _ in range(2)]; time.sleep(0.5)"
    assert (await run(f"python3 -c '{forks}'; echo done", network=False)).stdout.endswith("done")


@confined
@pytest.mark.parametrize("place", ["$HOME", *OWN_FOLDERS])
async def test_what_all_files_of_a_command_hold_is_limited(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the folder, and whether a file has a name or not."""
    monkeypatch.setattr(commands, "FILE_BYTES", 20 << 20)
    fill = f"for i in 1 2 3 4 5; do head -c 6000000 /dev/zero > {place}/$i || echo full; done; cat /tmp/* $HOME/* /dev/null 2>/dev/null | wc -c"
    done = await run(fill, network=False)
    assert "full" in done.stdout
    assert "No space left" in done.stderr
    assert int(done.stdout.split()[-1]) <= 2 * (20 << 20)


@confined
async def test_a_command_writes_nowhere_else(tmp_path: Path) -> None:
    """Not even where every user of the machine may: neither to files nor to folders that are shared with it."""
    for path in (tmp_path, *tmp_path.parents[:-2]):
        path.chmod(0o777)
    mark = tmp_path / "mark"
    await run(f"mkdir -p {tmp_path}; touch {mark}; echo x > {mark}", network=False)
    assert not mark.exists()
    everywhere = (
        "for each in $(cut -d' ' -f5 /proc/self/mountinfo); do test -w $each && touch $each/t && echo $each; done"
    )
    writable = await run(f"find / -xdev -writable -type d 2>/dev/null; {everywhere}; true", network=False)
    left = {line for line in writable.stdout.splitlines() if not line.startswith((*OWN_FOLDERS, "/proc/"))}
    assert left == set(), writable.stdout


INVISIBLE: Final[dict[str, str]] = {
    "memfd": "import os; os.memfd_create('a')",
    "shared pages without a file": "import mmap; mmap.mmap(-1, 4096)",
    "shared pages of zeros": "import mmap, os; mmap.mmap(os.open('/dev/zero', os.O_RDWR), 4096)",
    "a namespace": "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000) == 0 or 1)",
    "a segment of System V": "import ctypes, sys; sys.exit(ctypes.CDLL(None).shmget(0, 4096, 0o1600) >= 0 or 1)",
    "a queue of System V": "import ctypes, sys; sys.exit(ctypes.CDLL(None).msgget(0, 0o1600) >= 0 or 1)",
}
"""Memory that no process's size shows, or a way to it; exit code 1 means that it was refused, as an exception does."""


@confined
@pytest.mark.parametrize("name", INVISIBLE)
async def test_no_memory_is_out_of_sight(name: str) -> None:
    assert (await run(f'python3 -c "{INVISIBLE[name]}"', network=False)).exit_code == 1


@confined
async def test_usual_commands_work() -> None:
    """Zeros, pipes, random numbers, temporary files, a second shell."""
    usual = (
        "head -c 100000 /dev/zero | wc -c; head -c 10 /dev/urandom | wc -c; cd $(mktemp -d); echo a > b; cat b; "
        "sh -c 'echo inner'; seq 3 | sort -r | head -1; dd if=/dev/zero of=c bs=1k count=5 2>/dev/null; wc -c < c; kill -9 $$"
    )
    done = await run(usual, network=False)
    assert done.stdout.split() == ["100000", "10", "a", "inner", "3", "5120"]
    assert done.exit_code == 128 + 9


@confined
async def test_a_command_ends_with_its_worker() -> None:
    """Killed, so that it could not end it itself."""
    program = (
        "import asyncio; from runtime.platform.commands import run; "
        "asyncio.run(run('echo begun > /dev/null; exec sleep 4711', network=False))"
    )
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    await _until(lambda: _commands("sleep\x004711") != [])
    worker.kill()
    await worker.wait()
    await _until(lambda: _commands("sleep\x004711") == [])


async def _until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not look():
            await asyncio.sleep(0.05)


def _commands(text: str) -> list[Path]:
    return [each for each in Path("/proc").glob("[0-9]*/cmdline") if _bytes(each).startswith(text.encode())]


async def test_a_worker_that_cannot_confine_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CommandError, match="cannot be confined"):
        await run("true", network=False)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
