"""Commands of authors: off unless a tenant is named, and what a command finds when they are on."""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

from runtime.contract import NodeError
from runtime.hosts.temporal.capabilities.commands import WorkerCommands
from runtime.platform import commands
from runtime.platform.commands import CommandError, run
from runtime.platform.settings import Settings, SettingsError

SWITCHES: Final[list[tuple[str, dict[str, str]]]] = [
    ("", {"acme": "off", "globex": "off"}),
    ("acme=on", {"acme": "on", "globex": "off"}),
    ("acme=network,*=off", {"acme": "network", "globex": "off"}),
    ("on", {"acme": "on", "globex": "on"}),
]
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
        await WorkerCommands("off").run(f"touch {mark}")
    assert not mark.exists()


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


async def test_a_worker_that_cannot_confine_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CommandError, match="cannot be confined"):
        await run("true", network=False)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
