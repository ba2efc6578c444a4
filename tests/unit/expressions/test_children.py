"""The child processes that evaluate scripts: which isolate, how many, and what happens when one dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from runtime.expressions.limits import ScriptCrash, ScriptLimit
from runtime.expressions.v8 import evaluator, evaluator_of
from runtime.expressions.v8.child import HEADER
from runtime.expressions.v8.child_process import MAX_FRAME_BYTES, ChildProcess, ScriptsUnavailable
from runtime.expressions.v8.pool import ChildPool, pools
from runtime.interpreter.failures import is_infrastructure

REQUEST: Final = json.dumps(
    {
        "copies": [False], "first": 0, "count": 1, "seed": 1,
        "snapshot": {
            "now": 0, "zone": "UTC", "execution": {"customData": {}}, "items": [{"json": {"a": 1}}], "names": [],
            "step": {"name": "S"},
        },
    }
)  # fmt: skip
ADD: Final = "return ___s.$json.a + 1"
ANSWER: Final = '{"columns":[[2]]}'
ENDLESS: Final = "for (;;);"
SOON: Final = 30.0
"""Seconds in which a busy machine answers, too."""


def resident(child: ChildProcess) -> int:
    """Return the bytes of memory of its process."""
    return int(Path(f"/proc/{child.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ask(child: ChildProcess, owner: str, source: str = ADD, seconds: float = SOON) -> str:
    """Ask it for one script."""
    return child.ask(owner, [source], REQUEST, time.monotonic() + seconds)


@pytest.fixture
def make() -> Iterator[Callable[..., ChildProcess]]:
    """Make children that end with the test."""
    made: list[ChildProcess] = []

    def start(**options: int) -> ChildProcess:
        made.append(ChildProcess(**options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for child in made:
        child.kill()


class Queue(ChildPool):
    """A pool that hands out these children in turn and starts none."""

    def __init__(self, *children: ChildProcess) -> None:
        super().__init__(len(children), len(children))
        self.given = list(children)

    def take(self, owner: str, deadline: float) -> ChildProcess:
        """See ChildPool."""
        del owner, deadline
        return self.given.pop(0)

    def give_back(self, owner: str, child: ChildProcess) -> None:
        """See ChildPool."""


def die(child: ChildProcess, number: signal.Signals) -> None:
    """End the process of a child, which does not know it yet."""
    os.kill(child.pid, number)


def test_an_owner_keeps_an_isolate_and_another_one_has_another(make: Callable[..., ChildProcess]) -> None:
    child = make()
    assert [ask(child, owner) for owner in ("a", "b", "a")] == [ANSWER] * 3
    assert child.count() == 2
    assert list(child.scripts) == ["b", "a"]


@pytest.mark.timeout(480)
def test_of_hundreds_of_owners_few_have_an_isolate_and_the_memory_stays(make: Callable[..., ChildProcess]) -> None:
    """The one that was away longest goes first."""
    child = make(isolates=4)
    for n in range(20):
        ask(child, f"tenant {n}")
    before = resident(child)
    for n in range(20, 200):
        assert ask(child, f"tenant {n}") == ANSWER
    assert child.count() == 4
    assert list(child.scripts) == [f"tenant {n}" for n in range(196, 200)]
    assert resident(child) < 1.5 * before


def test_a_child_that_dies_of_a_signal_is_called_what_it_is(make: Callable[..., ChildProcess]) -> None:
    for number in (signal.SIGKILL,):  # the first process of a namespace ignores others from outside
        child = make()
        die(child, number)
        with pytest.raises(ScriptCrash, match=f"The process of the expression died of {number.name}"):
            ask(child, "a")
        assert not child.alive


def test_the_time_of_a_script_is_its_own_and_then_the_child_is_gone(make: Callable[..., ChildProcess]) -> None:
    child = make()
    with pytest.raises(ScriptLimit, match="Expression timed out"):
        ask(child, "a", ENDLESS, 0.2)
    assert not child.alive


def test_what_is_final_runs_once_more_when_its_child_dies(
    make: Callable[..., ChildProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only once."""
    queue = Queue(make(), make())
    monkeypatch.setattr(evaluator, "pools", lambda: SimpleNamespace(shared=queue, apart=queue))
    die(queue.given[0], signal.SIGKILL)
    assert evaluator_of("a")([ADD], REQUEST, SOON, apart=False, final=True) == ANSWER
    queue.given = [make(), make(), make()]
    for child in queue.given[:2]:
        die(child, signal.SIGKILL)
    with pytest.raises(ScriptCrash):
        evaluator_of("a")([ADD], REQUEST, SOON, apart=False, final=True)
    assert len(queue.given) == 1


def test_what_goes_on_elsewhere_does_not_run_again_when_its_child_dies(
    make: Callable[..., ChildProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workflow code: an activity follows."""
    first, second = make(), make()
    die(first, signal.SIGKILL)
    queue = Queue(first, second)
    monkeypatch.setattr(evaluator, "pools", lambda: SimpleNamespace(shared=queue, apart=queue))
    with pytest.raises(ScriptCrash, match="SIGKILL"):
        evaluator_of("a")([ADD], REQUEST, SOON, apart=False, final=False)
    assert queue.given == [second]


def test_the_wait_for_a_child_is_part_of_the_time_of_a_script_in_workflow_code() -> None:
    """Nobody starts more children than there may be."""
    pool = ChildPool(1, 1)
    child = pool.take("a", time.monotonic() + SOON)
    with pytest.raises(ScriptLimit, match="No process was free"):
        pool.take("b", time.monotonic() + 0.05)  # brief: no child is free
    assert pool.children == 1
    threading.Timer(0.05, pool.give_back, ("a", child)).start()
    assert pool.take("b", time.monotonic() + SOON) is child
    pool.give_back("b", child)
    pool.close()


def test_one_owner_leaves_a_child_for_others() -> None:
    pool = ChildPool(2, 1)
    child = pool.take("a", time.monotonic() + SOON)
    with pytest.raises(ScriptLimit):
        pool.take("a", time.monotonic() + 0.05)  # brief: no child is free
    other = pool.take("b", time.monotonic() + SOON)
    for owner, each in (("a", child), ("b", other)):
        pool.give_back(owner, each)
    pool.close()


def test_for_a_child_that_died_another_one_starts() -> None:
    pool = ChildPool(1, 1)
    pool.start(1)
    child = pool.take("a", time.monotonic() + SOON)
    child.kill()
    pool.give_back("a", child)
    other = pool.take("a", time.monotonic() + SOON)
    assert other is not child
    assert ask(other, "a") == ANSWER
    pool.give_back("a", other)
    assert pool.children == 1
    pool.close()


def test_a_child_that_comes_too_late_is_not_killed_for_it(make: Callable[..., ChildProcess]) -> None:
    """The wait for it has taken all the time that the script had."""
    child = make()
    with pytest.raises(ScriptLimit, match="Expression timed out"):
        child.ask("a", [ADD], REQUEST, time.monotonic())
    assert child.alive
    assert ask(child, "a") == ANSWER


def test_a_start_that_failed_long_ago_is_nobodys_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waited for it. Those who wait for one that fails are all told."""
    pool, broken = ChildPool(2, 2), [True]

    def start() -> ChildProcess:
        if broken[0]:
            raise ScriptsUnavailable("no process")
        return ChildProcess()

    monkeypatch.setattr("runtime.expressions.v8.pool.ChildProcess", start)
    with ThreadPoolExecutor(4) as threads:
        takers = [threads.submit(pool.take, "a", time.monotonic() + SOON) for _ in range(4)]
        for each in takers:
            with pytest.raises(ScriptsUnavailable, match="no process"):
                each.result()
    while pool._starting:
        time.sleep(0.01)
    broken[0] = False
    child = pool.take("a", time.monotonic() + SOON)
    assert ask(child, "a") == ANSWER
    pool.give_back("a", child)
    pool.close()


def test_a_child_that_announces_more_than_an_answer_may_have_is_ended(make: Callable[..., ChildProcess]) -> None:
    child = make()
    child._socket.close()
    child._socket, other = socket.socketpair()
    with other:
        other.sendall(HEADER.pack(MAX_FRAME_BYTES + 1, ord("D")))
        with pytest.raises(ScriptCrash):
            ask(child, "a")
    assert not child.alive


def test_no_process_for_scripts_is_nothing_that_an_author_did() -> None:
    """Temporal tries the attempt again."""
    assert is_infrastructure(ScriptsUnavailable("no process"))


def test_sixteen_evaluations_at_once_start_no_crowd() -> None:
    run = evaluator_of("a")
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(run, [ADD], REQUEST, SOON, apart=False, final=True) for _ in range(64)]
        assert {each.result() for each in asked} == {ANSWER}
    assert pools().shared.children <= pools().shared.size


def test_without_the_flag_that_forbids_code_from_text_nothing_starts() -> None:
    with pytest.raises(ScriptsUnavailable, match="V8 would make code from text"):
        ChildProcess(flags=("--single-threaded", "--stack-size=800"))


@pytest.mark.skipif(sys.platform != "linux", reason="filters of system calls are Linux's")
def test_a_child_is_behind_the_filter_of_system_calls_and_gains_no_privileges(
    make: Callable[..., ChildProcess],
) -> None:
    status = Path(f"/proc/{make().pid}/status").read_text(encoding="ascii")
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status


def test_v8_is_not_in_the_process_that_evaluates() -> None:
    program = (
        "import sys; from tests.unit.expressions.world import value;"
        "assert value('={{ [1].map(x => x + 1)[0] }}') == 2;"
        "assert 'py_mini_racer' not in sys.modules;"
        "assert 'mini_racer' not in open('/proc/self/maps').read()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_children_end_with_the_process_that_started_them() -> None:
    """Also when it is killed: each is told by the system, and sees its socket closed."""
    program = (
        "import os, signal; from runtime.expressions.v8.child_process import ChildProcess;"
        "print(ChildProcess().pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    pid, until = int(done.stdout), time.monotonic() + SOON
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the child lives on")
