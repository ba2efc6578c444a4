"""How long a process of the embedded profile is waited for: until it serves or has ended, and hardly ever less."""

import sys
from pathlib import Path

import pytest

from runtime.platform.embedded import process
from runtime.platform.embedded.process import EmbeddedError, Process, at_free_ports

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing sleeps for long."""
    monkeypatch.setattr(process, "POLL_SECONDS", 0.001)


def program(text: str, log: Path) -> Process:
    """A program in Python."""
    return Process("Server", [sys.executable, "-c", text], log)


async def test_a_server_that_is_slow_is_waited_for_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STILL_SECONDS", 0.0)
    lines: list[str] = []
    monkeypatch.setattr(process.log, "warning", lambda event, **_: lines.append(event))
    server, looks = program("import time; time.sleep(600)", tmp_path / "log"), 0

    async def serves() -> bool:
        nonlocal looks
        looks += 1
        return looks > 20

    await server.start()
    await server.serves(serves)
    await server.stop()
    assert looks == 21
    assert lines == ["waiting for a process to start"] * 20


async def test_a_server_that_ended_is_not_waited_for(tmp_path: Path) -> None:
    server = program("print('no space left'); raise SystemExit(3)", tmp_path / "log")

    async def serves() -> bool:
        return False

    await server.start()
    with pytest.raises(EmbeddedError, match=r"Server ended at once(.|\n)*no space left"):
        await server.serves(serves)


async def test_a_server_that_never_serves_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_SECONDS", 0.05)
    server = program("import time; time.sleep(600)", tmp_path / "log")

    async def serves() -> bool:
        return False

    await server.start()
    try:
        with pytest.raises(EmbeddedError, match="Server is not ready after 0 s"):
            await server.serves(serves)
    finally:
        await server.stop()


async def test_a_port_that_another_program_took_meanwhile_is_replaced(tmp_path: Path) -> None:
    starts: list[Process] = []

    async def serves() -> bool:
        return len(starts) == 3

    async def start() -> None:
        server = program("print('bind: Address already in use'); raise SystemExit(1)", tmp_path / "log")
        starts.append(server)
        await server.start()
        await server.serves(serves)

    await at_free_ports(start)
    assert len(starts) == 3


async def test_a_server_that_finds_every_port_taken_is_given_up(tmp_path: Path) -> None:
    starts = 0

    async def serves() -> bool:
        return False

    async def start() -> None:
        nonlocal starts
        starts += 1
        server = program("print('bind: Address already in use'); raise SystemExit(1)", tmp_path / "log")
        await server.start()
        await server.serves(serves)

    with pytest.raises(EmbeddedError, match="Address already in use"):
        await at_free_ports(start)
    assert starts == process.START_ATTEMPTS
