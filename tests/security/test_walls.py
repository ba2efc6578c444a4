"""The walls of the operating system around children, attacked from inside, and what is told of those that are missing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runtime.confinement import attacks, children
from runtime.confinement.children import ConfinedProcess
from runtime.confinement.launcher import STRICT_EXIT
from runtime.confinement.limits import ChildLimits
from runtime.confinement.walls import Wall, WallMissing, check_walls, insist, judge
from tests.patience import PATIENCE, attempts

LIMITS = ChildLimits(memory_bytes=64 << 20, open_files=24, threads=8)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls; elsewhere health says so")

OUTSIDE = """
import os, sys
from runtime.confinement import attacks
class Free:
    missing = {}
    class spec:
        parent = os.getppid()
    def limit_memory(self): pass
attacks.serve(Free())
"""
WITHOUT = """
import struct, sys
from runtime.confinement import kernel, system_calls
numbers = [int(each) for each in sys.argv[1].split(",")]
op = system_calls._op
code = [op(0x20, 0), *(line for each in numbers for line in (op(0x15, each, 0, 1), op(0x06, 0x50001))), op(0x06, 0x7FFF0000)]
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
kernel.install_filter(b"".join(code))
from runtime.confinement.walls import check_walls
for wall in check_walls():
    print(wall.name, "=", wall)
"""
STRICT = """
from runtime.confinement.children import Policy, configure, start
from runtime.confinement.limits import ChildLimits
configure(Policy(strict=True))
child = start("runtime.confinement.attacks", limits=ChildLimits(memory_bytes=64 << 20, open_files=24))
out = child.communicate(timeout=60)[0]
child.end()
print(child.returncode, len(out))
"""
CROWD = """
import json
from runtime.confinement.children import UNUSED_USERS, Policy, configure
from runtime.sandbox.child_process import ChildProcess
from runtime.sandbox.limits import CodeLimits
from runtime.sandbox.pool import libraries
configure(Policy(users=(UNUSED_USERS[0],) * 2))
job = json.dumps({"code": "return []", "mode": "all", "snapshot": {"items": []}})
children = [ChildProcess(CodeLimits(), libraries()) for _ in range(40)]
print(*(child.exchange("R", "a\\n" + job, 120)[0] for child in children))
"""
UNSHARE, MOUNT, SECCOMP, LANDLOCK = (272, 165, 317, 444) if os.uname().machine == "x86_64" else (97, 40, 277, 444)


def walls_without(*calls: int) -> dict[str, str]:
    """The walls on a system that refuses these calls, as containers and old kernels do."""
    numbers = ",".join(map(str, calls))
    done = subprocess.run([sys.executable, "-c", WITHOUT, numbers], capture_output=True, text=True, check=True)
    return dict(line.split(" = ", 1) for line in done.stdout.splitlines())


def said() -> dict[str, list[Any]]:
    """What the attacking child says: outcome -> attacks."""
    child = children.start("runtime.confinement.attacks", limits=LIMITS)
    try:
        lines = [json.loads(line) for line in child.communicate(timeout=60)[0].splitlines()]
    finally:
        child.end()
    return {key: [line[key] for line in lines if key in line] for key in ("refused", "possible", "done")}


def test_every_attack_from_inside_is_refused() -> None:
    """None is possible, and the child lives to tell of all."""
    outcome = said()
    assert outcome["possible"] == []
    assert outcome["refused"] == list(attacks.ATTACKS)
    assert outcome["done"] == [len(attacks.ATTACKS)]


def test_the_attacks_would_succeed_without_walls() -> None:
    """An attack that nobody can make tests nothing. What needs rights that tests may not have is left out."""
    done = subprocess.run([sys.executable, "-c", OUTSIDE], capture_output=True, text=True, check=True)
    possible = {line["possible"] for line in map(json.loads, done.stdout.splitlines()) if "possible" in line}
    privileged = {"open a raw socket", "open a packet socket", "raise the priority", "read the memory of the service"}
    privileged |= {"trace the service", "copy from the memory of the service", "change the mode of a folder"}
    common = ("files", "network", "processes", "service", "limits")
    wanted = {name for name, (wall, _) in attacks.ATTACKS.items() if wall in common}
    assert wanted - privileged <= possible


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a child as another user")
def test_all_walls_stand_for_root() -> None:
    assert {wall.name: str(wall) for wall in check_walls()} == dict.fromkeys(
        ("service", "files", "network", "processes", "system calls", "privileges", "limits", "user"), "on"
    )


def test_in_a_container_the_filter_and_landlock_are_the_walls() -> None:
    """Docker refuses namespaces: files are closed by Landlock, the rest by the filter; it is told what is missing."""
    walls = walls_without(UNSHARE, MOUNT)
    assert (walls["files"], walls["system calls"], walls["service"], walls["privileges"]) == ("on",) * 4
    for name in ("network", "processes"):
        assert walls[name].startswith("on, but without a namespace of its own: the system refuses")


def test_without_landlock_the_empty_root_is_the_wall() -> None:
    assert walls_without(LANDLOCK)["files"] == "on"


def test_a_system_without_any_wall_is_told_as_such() -> None:
    """Each wall says which attack came through, and why it is not there."""
    walls = walls_without(UNSHARE, MOUNT, SECCOMP, LANDLOCK)
    assert walls["files"].startswith("off: a child may read a file")
    assert "the system refuses" in walls["files"]
    assert walls["network"].startswith("off: a child may open a socket")
    assert walls["processes"].startswith("off: a child may start a process")
    assert walls["limits"] == "on"


def test_a_required_wall_that_is_missing_is_refused_in_words() -> None:
    walls = (Wall("files", True), Wall("user", False, "only root may start a process as another user"))
    with pytest.raises(WallMissing, match=r"missing: user \(only root may .*tempor8 doctor"):
        insist(walls)
    insist(walls[:1])


def test_a_child_that_ends_with_an_attack_has_made_it() -> None:
    """A program that was executed reports nothing any more."""
    walls = {wall.name: wall.stands for wall in judge([{"missing": {}}, {"try": "execute a program"}])}
    assert not walls["processes"]


def test_a_child_that_says_nothing_has_no_walls() -> None:
    assert not any(wall.stands for wall in judge([]))


@pytest.mark.parametrize("call", [SECCOMP, 0x7FFF], ids=["without the filter", "with all walls"])
def test_a_strict_child_without_a_wall_never_serves(call: int) -> None:
    """It ends before it reads anything; on a system that has the walls the same child serves."""
    program = WITHOUT.partition("from runtime.confinement.walls")[0] + STRICT
    done = subprocess.run([sys.executable, "-c", program, str(call)], capture_output=True, text=True, check=True)
    code, size = map(int, done.stdout.split())
    if call == SECCOMP or os.geteuid() != 0:  # another user is a wall, too
        assert (code, size) == (STRICT_EXIT, 0)
    else:
        assert code == 0
        assert size > 0


def waiting_child() -> ConfinedProcess:
    """A child that waits for work."""
    return children.start("runtime.sandbox.child", ["64", "1"], limits=LIMITS)


def gone(process: int) -> bool:
    """Wait until a process is no more, or is a zombie that its parent has not read."""
    for _ in attempts(0.05):
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("whom", ["supervisor", "child"])
def test_the_end_of_either_process_is_the_end_of_both(whom: str) -> None:
    """However early: also before the child has asked the kernel to end it with its supervisor."""
    for _ in range(10):
        child = waiting_child()
        try:
            inner = child.inner_pid
            os.kill(child.pid if whom == "supervisor" else inner, signal.SIGKILL)
            assert child.wait(PATIENCE) == -signal.SIGKILL
            assert gone(inner)
        finally:
            child.end()


def test_children_end_with_the_service() -> None:
    """Killed, it cannot end them; and the thread that started them may be long gone."""
    program = (
        "import threading, time\nfrom tests.security.test_walls import waiting_child\nstarted = []\n"
        "thread = threading.Thread(target=lambda: started.append(waiting_child()))\nthread.start()\nthread.join()\n"
        "print(started[0].pid, started[0].inner_pid, flush=True)\ntime.sleep(600)"
    )
    service = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    processes = [int(each) for each in service.stdout.readline().split()]
    assert len(processes) == 2
    assert not any(gone_now(each) for each in processes), "the end of a thread is not the end of the service"
    service.kill()
    service.wait()
    service.stdout.close()
    assert all(gone(each) for each in processes)


def gone_now(process: int) -> bool:
    """Whether a process is no more."""
    return not Path(f"/proc/{process}").exists()


def test_a_child_inherits_nothing() -> None:
    """No descriptor, no variable: what the service holds is not the child's."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    child = waiting_child()
    inner = child.inner_pid
    try:
        for _ in attempts(0.05):
            if Path(f"/proc/{inner}/root").exists() and not os.listdir(f"/proc/{inner}/root/"):  # noqa: PTH208 - another's root
                break
            time.sleep(0.05)
        held = {os.readlink(each) for each in Path(f"/proc/{inner}/fd").iterdir()}  # noqa: PTH115
        assert f"pipe:[{os.fstat(writing).st_ino}]" not in held
        environment = Path(f"/proc/{inner}/environ").read_bytes().split(b"\0")
        assert {each.split(b"=")[0] for each in environment if each} == {b"TZ", b"LC_CTYPE", b"LANG"}
    finally:
        child.end()
        os.close(reading)
        os.close(writing)


def test_a_native_program_is_confined_and_ends_with_its_supervisor() -> None:
    """A library starts it by a path: the kernel says of it what it says of our own children."""
    path = children.program_path(["/bin/sleep"], LIMITS)
    program = subprocess.Popen([path, "600"], stderr=subprocess.DEVNULL)
    inner = 0
    for _ in attempts(0.05):
        found = [each for each in Path("/proc").glob("[0-9]*/status") if is_child_of(each, program.pid)]
        if found and "Seccomp:\t2" in found[0].read_text(encoding="ascii"):
            inner = int(found[0].parent.name)
            break
        time.sleep(0.05)
    assert inner, "no child with a filter of system calls"
    program.kill()
    program.wait()
    assert gone(inner)


def is_child_of(status: Path, parent: int) -> bool:
    """Whether a process is a child of another."""
    try:
        return f"\nPPid:\t{parent}\n" in status.read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("name", ["/etc/passwd", "/proc/self/status", "/"])
def test_a_native_program_reads_nothing_but_itself_and_libraries(name: str) -> None:
    path = children.program_path(["/bin/cat"], LIMITS)
    refused = subprocess.run([path, name], capture_output=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert subprocess.run([path], input=b"works", capture_output=True, check=True).stdout == b"works"


@pytest.mark.timeout(400)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a child as another user")
def test_children_that_share_a_user_have_threads_enough() -> None:
    """The system counts the threads of a user, and there are more children on a machine than users for them."""
    done = subprocess.run([sys.executable, "-c", CROWD], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["D"] * 40
