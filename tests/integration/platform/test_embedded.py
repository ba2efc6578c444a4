"""The embedded servers: ports, restarts, crashes, and nothing left behind."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

import psycopg
import pytest

from runtime.platform.embedded import EmbeddedBusy, EmbeddedPostgres, EmbeddedProfile, EmbeddedTemporal, running
from runtime.platform.embedded.process import EmbeddedError, Process, accepts, free_port
from runtime.platform.embedded.supervise import FAILED_STARTS, Supervised
from runtime.platform.settings import Settings
from tests.patience import PATIENCE

SUPERVISOR = """
import asyncio, signal, sys
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.settings import Settings

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background

async def main():
    profile = EmbeddedProfile(Settings.load({"TEMPOR8_STATE": sys.argv[1]}), any_ports=True, durable=False, ui=False)
    async with profile:
        print(profile.temporal.process.pid, profile.postgres.process.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tempor8-embedded-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_the_end_of(pids: list[int], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def supervisor(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as lines:
        return process, [int(pid) for pid in lines.readline().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_its_supervisor_however_it_ends(folder: Path, number: signal.Signals) -> None:
    process, pids = supervisor(folder)
    assert all(map(alive, pids))
    process.send_signal(number)
    process.wait(20)
    wait_for_the_end_of(pids)


async def test_what_was_committed_before_a_kill_is_there_after_it(folder: Path) -> None:
    first = EmbeddedPostgres(folder, port=0)
    await first.start()
    async with await psycopg.AsyncConnection.connect(first.admin_url) as connection:
        await connection.execute("create table lasting (x int)")
    first.process.kill()
    await first.process.wait()
    assert list(folder.glob("postgres/data/postmaster.pid"))
    second = EmbeddedPostgres(folder, port=0)
    await second.start()
    async with await psycopg.AsyncConnection.connect(second.admin_url) as connection:
        await connection.execute("select * from lasting")
    await second.stop()


async def test_a_pid_file_that_names_somebody_else_does_not_stop_the_start(folder: Path) -> None:
    server = EmbeddedPostgres(folder, port=0, durable=False)
    await server.start()
    await server.stop()
    pid_file = folder / "postgres/data/postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n", "ascii")
    await server.start()
    await server.stop()


async def test_a_predecessor_that_still_runs_is_ended_first(folder: Path) -> None:
    first, second = (EmbeddedPostgres(folder, port=0, durable=False) for _ in range(2))
    await first.start()
    await second.start()
    assert await first.process.wait() == 0
    await second.stop()


async def test_an_initialisation_that_was_cut_off_is_begun_anew(folder: Path) -> None:
    (folder / "postgres/data").mkdir(parents=True)
    (folder / "postgres/data/PG_VERSION").write_text("18", "ascii")
    server = EmbeddedPostgres(folder, port=0, durable=False)
    await server.start()
    await server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Postgres runs as another user")
async def test_root_keeps_the_data_elsewhere_when_nobody_cannot_reach_the_state_folder(folder: Path) -> None:
    folder.chmod(0o700)
    server = EmbeddedPostgres(folder, port=0, durable=False)
    await server.start()
    home = Path(json.loads((folder / "postgres.json").read_text("utf-8"))["home"])
    assert folder not in home.parents
    assert (folder / "postgres.json").stat().st_mode & 0o077 == 0
    await server.stop()
    shutil.rmtree(home)


async def test_a_password_is_asked_for(folder: Path) -> None:
    server = EmbeddedPostgres(folder, port=0, durable=False)
    await server.start()
    host = server.admin_url.rpartition("@")[2]
    for user in ("postgres", "postgres:wrong"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            await psycopg.AsyncConnection.connect(f"postgresql://{user}@{host}")
    await server.stop()


async def test_usual_ports_that_are_taken_give_way_to_free_ones(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = EmbeddedTemporal(folder, port=port, ui_port=None, persistent=False)
        await server.start()
        assert server.address != f"127.0.0.1:{port}"
        await server.stop()
    assert free_port(port) == port
    assert all(10_240 <= free_port() < 32_768 for _ in range(20)), "one of those for outgoing connections can be lost"


async def test_a_server_that_is_killed_comes_back_where_it_was(folder: Path) -> None:
    """With its data, while the profile is supervised; and each restart is reported."""
    reports: list[str] = []
    async with EmbeddedProfile(Settings.load({"TEMPOR8_STATE": str(folder)}), any_ports=True, ui=False) as profile:
        supervision = asyncio.create_task(profile.supervise(reports.append))
        addresses = profile.addresses
        assert addresses.database_admin_url is not None
        with psycopg.connect(addresses.database_admin_url, autocommit=True) as connection:
            connection.execute("create table here (x int)")
        before = [profile.temporal.process.pid, profile.postgres.process.pid]
        await asyncio.sleep(0)
        profile.temporal.process.kill()
        profile.postgres.process.kill()
        async with asyncio.timeout(PATIENCE):
            while len(reports) < 2 or not all(
                [
                    await accepts(int(profile.temporal.address.rpartition(":")[2])),
                    _answers(addresses.database_admin_url),
                ]
            ):
                await asyncio.sleep(0.1)
        assert sorted(each.partition(" ")[0] for each in reports) == ["Postgres", "Temporal"]
        assert not set(before) & {profile.temporal.process.pid, profile.postgres.process.pid}
        supervision.cancel()


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            connection.execute("select x from here")
    except psycopg.OperationalError:
        return False
    return True


async def test_a_second_command_on_the_same_folder_learns_where_the_first_one_is(embedded: EmbeddedProfile) -> None:
    second = EmbeddedProfile(Settings.load({"TEMPOR8_STATE": str(embedded.folder)}), any_ports=True)
    with pytest.raises(EmbeddedBusy, match=f"in use by process {os.getpid()}") as busy:
        await second.start()
    assert busy.value.addresses == embedded.addresses
    assert running(embedded.folder) == embedded.addresses
    assert (embedded.folder / "running.json").stat().st_mode & 0o077 == 0


async def test_a_program_that_ends_at_once_shows_its_last_words(folder: Path) -> None:
    process = Process("Echo", ["/bin/sh", "-c", "echo last words; exit 3"], folder / "log")
    await process.start()
    assert await process.wait() == 3
    assert "last words" in str(process.failure("ended"))
    with pytest.raises(EmbeddedError):
        await Process("Never", ["/bin/true"], folder / "log").wait()


async def test_a_process_that_ends_as_its_time_is_up_is_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no process any more that could be killed, and that is no error."""
    process = Process("Sleeper", ["/bin/sh", "-c", "exec sleep 60"], folder / "log")
    await process.start()

    async def too_late(waiting: Awaitable[int], seconds: float) -> int:
        del seconds
        await waiting
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "wait_for", too_late)
        await process.stop()
    assert not process.running
    process.kill()
    await process.stop()


@pytest.mark.parametrize("place", ["a file", "a file/below", "/proc/tempor8"])
async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, place: str) -> None:
    """A file where the folder should be, something below a file, and a file system that takes no folder."""
    (tmp_path / "a file").touch()
    folder = tmp_path / place
    profile = EmbeddedProfile(Settings.load({"TEMPOR8_STATE": str(folder)}), any_ports=True, ui=False)
    with pytest.raises(
        EmbeddedError, match=r"The state folder \(TEMPOR8_STATE\) must be one that can be written"
    ) as raised:
        await profile.start()
    assert str(raised.value).startswith(str(folder))


async def test_a_supervised_process_comes_back_after_a_kill_and_stays_away_after_a_stop(folder: Path) -> None:
    sleeper = Supervised("sleeper", ["-c", "import time; time.sleep(60)"], folder / "log", dict(os.environ))
    async with sleeper:
        first = sleeper.pid
        assert first is not None
        sleeper.kill()
        deadline = time.monotonic() + PATIENCE
        while (sleeper.pid is None or sleeper.restarts == 0) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        assert sleeper.pid not in (None, first)
    assert sleeper.pid is None
    await asyncio.sleep(0.3)
    assert sleeper.pid is None


async def test_a_supervised_process_that_does_not_start_says_why(folder: Path) -> None:
    """Whoever waits for it is told the end of its log instead of waiting for minutes. One that was killed did start."""
    script = "import sys; print('TEMPOR8_KEYS is not a file', file=sys.stderr); sys.exit(2)"
    refused = Supervised("worker", ["-c", script], folder / "log", dict(os.environ))
    killed = Supervised("api", ["-c", "import os; os.kill(os.getpid(), 9)"], folder / "other.log", dict(os.environ))
    async with refused, killed:
        deadline = time.monotonic() + PATIENCE
        while (refused.problem is None or killed.restarts < FAILED_STARTS) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        assert killed.problem is None
        assert str(refused.problem).startswith("worker does not start (exit code 2). The end of ")
        assert str(refused.problem).endswith("  TEMPOR8_KEYS is not a file")


async def test_a_supervised_process_takes_no_module_of_the_folder_where_it_is_started(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project may have a package `cli`, or `api`, of its own."""
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/__init__.py").write_text("raise SystemExit('another one')")
    monkeypatch.chdir(tmp_path)
    ours = Supervised(
        "ours",
        ["-c", "import cli.main, time; print('ours', flush=True); time.sleep(60)"],
        folder / "log",
        dict(os.environ),
    )
    async with ours:
        deadline = time.monotonic() + PATIENCE
        while not (folder / "log").read_text() and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
    assert (folder / "log").read_text() == "ours\n"


def test_the_watch_that_stands_in_for_the_kernel_elsewhere(folder: Path) -> None:
    """On systems without PR_SET_PDEATHSIG the leash stays and watches; here that path is taken on purpose."""
    script = (
        "import os, signal, sys; from runtime.platform.embedded import leash\n"
        "leash.POLL_SECONDS = 0.05\n"
        "if os.fork(): print(flush=True); import time; time.sleep(30)\n"
        "parent = os.getppid()\n"
        "sys.exit(leash._watch(signal.SIGKILL, parent, ['/bin/sh', '-c', f'echo $$ > {sys.argv[1]}/pid; sleep 60']))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)])
    deadline = time.monotonic() + PATIENCE
    while not (folder / "pid").exists() or not (folder / "pid").read_text("ascii"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    wait_for_the_end_of([int((folder / "pid").read_text("ascii"))])
