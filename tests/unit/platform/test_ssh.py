"""SSH against a server in this process: who may go there, commands, files, and what goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from runtime.platform import ssh
from runtime.platform.egress import EgressRefused
from runtime.platform.ssh import SshError

KEY = asyncssh.generate_private_key("ssh-ed25519")


class Doors(asyncssh.SSHServer):
    """Lets `ada` in, by password or by key."""

    def begin_auth(self, username: str) -> bool:
        """Everybody has to log in."""
        del username
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are one way."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """There is one."""
        return (username, password) == ("ada", "s3cret")

    def public_key_auth_supported(self) -> bool:
        """Keys are another."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """There is one."""
        return username == "ada" and key.public_data == KEY.public_data


async def answer(process: "asyncssh.SSHServerProcess[str]") -> None:
    command = process.command or ""
    if "forever" in command:
        await asyncio.sleep(60)
    process.stdout.write(f" ran {command}\n" * (2000 if "much" in command else 1))
    process.stderr.write("warned\n")
    process.exit(7 if "fail" in command else 0)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    def files(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(tmp_path).encode())

    acceptor = await asyncssh.create_server(
        Doors, "127.0.0.1", 0, server_host_keys=[KEY], process_factory=answer, sftp_factory=files
    )
    try:
        yield {"host": "127.0.0.1", "port": acceptor.get_port(), "username": "ada", "password": "s3cret"}
    finally:
        acceptor.close()
        await acceptor.wait_closed()


def opened(server: dict[str, Any]) -> list[str]:
    return [f"127.0.0.1:{server['port']}"]


async def test_a_command_gives_code_and_output(server: dict[str, Any]) -> None:
    assert await ssh.execute(opened(server), server, "uptime") == ssh.Executed(0, None, "ran uptime", "warned")
    assert (await ssh.execute(opened(server), server, "fail")).code == 7


async def test_a_key_opens_as_a_password_does(server: dict[str, Any]) -> None:
    """Also one whose line breaks were lost where it was pasted."""
    text = KEY.export_private_key().decode()
    for each in (text, " ".join(text.split("\n"))):
        by_key = {**server, "password": "", "privateKey": each}
        assert (await ssh.execute(opened(server), by_key, "uptime")).code == 0


@pytest.mark.parametrize("entries", [[], ["127.0.0.1"], ["127.0.0.0/8"], ["127.0.0.1:1"]], ids=str)
async def test_a_server_is_closed_unless_an_entry_names_it_with_its_port(
    server: dict[str, Any], entries: list[str]
) -> None:
    """An entry for HTTP requests to a host or a network opens no shell."""
    with pytest.raises(EgressRefused, match="tempor8 tenants allow"):
        await ssh.execute(entries, server, "uptime")


async def test_a_file_goes_there_and_comes_back(server: dict[str, Any], tmp_path: Path) -> None:
    await ssh.upload(opened(server), server, "/a.bin", b"\x00\x01" * 50_000)
    assert (tmp_path / "a.bin").stat().st_size == 100_000
    assert await ssh.download(opened(server), server, "/a.bin", 100_000) == b"\x00\x01" * 50_000


async def test_a_file_that_is_too_large_is_refused(server: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x" * 101)
    with pytest.raises(SshError, match="more than 100 bytes"):
        await ssh.download(opened(server), server, "/a.bin", 100)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"password": "wrong"}, "Permission denied"),
    ({"privateKey": "no key"}, "private key cannot be read"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=["a wrong password", "a key that is none"])
async def test_what_the_author_can_mend_is_told(server: dict[str, Any], change: dict[str, Any], message: str) -> None:
    with pytest.raises(SshError, match=message):
        await ssh.execute(opened(server), {**server, **change}, "uptime")


async def test_a_file_that_is_not_there_is_told(server: dict[str, Any]) -> None:
    with pytest.raises(SshError, match="No such file"):
        await ssh.download(opened(server), server, "/absent", 100)


async def test_a_server_that_does_not_answer_is_told(server: dict[str, Any]) -> None:
    with pytest.raises(SshError, match=r"Connect call failed|refused|errno"):
        await ssh.execute(["127.0.0.1:9"], {**server, "port": 9}, "uptime")


async def test_a_command_without_end_is_ended(server: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "SECONDS", 0.5)
    with pytest.raises(SshError, match=r"within 0\.5 seconds"):
        await ssh.execute(opened(server), server, "forever")


async def test_too_much_output_is_refused(server: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "OUTPUT_BYTES", 1000)
    with pytest.raises(SshError, match="more than 1,000 bytes on stdout"):
        await ssh.execute(opened(server), server, "much")
