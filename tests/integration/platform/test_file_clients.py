"""File servers of tenants: what reaches them passes the egress guard, and what they send has an end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from runtime.platform import ftp_client
from runtime.platform.egress import EgressRefused
from runtime.platform.ftp_client import connect_ftp
from runtime.platform.ssh import connect_sftp
from schemas.remote_files import RemoteFileError
from tests.file_servers import fill, ftp_server, sftp_server

LOOPBACK: Final = ("127.0.0.1/32",)
LIMIT: Final = 1 << 20


async def test_no_server_is_reached_that_is_not_open_to_the_tenant(tmp_path: Path) -> None:
    with ftp_server(tmp_path, "pw") as ftp, pytest.raises(EgressRefused):
        async with connect_ftp((), ftp, seconds=10, limit=LIMIT):
            pass
    async with sftp_server(tmp_path, "pw") as sftp:
        with pytest.raises(EgressRefused):
            async with connect_sftp((), sftp, seconds=10, limit=LIMIT):
                pass


async def test_a_file_has_a_limit(tmp_path: Path) -> None:
    fill(tmp_path)
    with ftp_server(tmp_path, "pw") as ftp:
        async with connect_ftp(LOOPBACK, ftp, seconds=10, limit=4) as session:
            with pytest.raises(RemoteFileError, match="more than 4 bytes"):
                await session.read("/a.txt")
    async with sftp_server(tmp_path, "pw") as sftp, connect_sftp(LOOPBACK, sftp, seconds=10, limit=4) as files:
        with pytest.raises(RemoteFileError, match="more than 4 bytes"):
            await files.read("/a.txt")


async def test_a_path_is_no_command_of_its_own(tmp_path: Path) -> None:
    fill(tmp_path)
    with ftp_server(tmp_path, "pw") as ftp:
        async with connect_ftp(LOOPBACK, ftp, seconds=10, limit=LIMIT) as session:
            with pytest.raises(RemoteFileError, match="newline"):
                await session.remove("/nope\r\nDELE /a.txt")
    assert (tmp_path / "a.txt").exists()


@asynccontextmanager
async def scripted(answers: dict[str, str]) -> AsyncIterator[int]:
    """A server that says what it is told to say to each command; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            verb = line.split()[0].decode().upper()
            writer.write(answers.get(verb, "200 ok").encode() + b"\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_data_come_from_the_server_itself_whatever_address_it_names() -> None:
    """An FTP server may name another machine for its data, one of the inner network for instance."""
    asked: list[bytes] = []

    async def hand_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        asked.append(b"")
        writer.write(b"-rw-r--r-- 1 o g 5 Jan 01 2026 own.txt\r\n")
        writer.close()

    data = await asyncio.start_server(hand_out, "127.0.0.1", 0)
    port = data.sockets[0].getsockname()[1]
    elsewhere = f"227 Entering Passive Mode (10,0,0,1,{port >> 8},{port & 255})"
    answers = {"USER": "230 in", "EPSV": "500 no", "PASV": elsewhere, "LIST": "150 here\r\n226 done"}
    async with scripted(answers) as control:
        server = {"host": "127.0.0.1", "port": control}
        async with connect_ftp(LOOPBACK, server, seconds=10, limit=LIMIT) as session:
            (entry,) = await session.entries("/")
    data.close()
    assert (entry["name"], len(asked)) == ("own.txt", 1)


async def test_the_guard_is_asked_about_the_port_of_the_data_too() -> None:
    """A tenant that may go to one port of a machine may not be led to another."""
    answers = {
        "USER": "230 in",
        "EPSV": "229 Entering Extended Passive Mode (|||6379|)",
        "LIST": "150 here\r\n226 done",
    }
    async with scripted(answers) as control:
        server = {"host": "127.0.0.1", "port": control}
        async with connect_ftp((f"127.0.0.1:{control}",), server, seconds=10, limit=LIMIT) as session:
            with pytest.raises(EgressRefused):
                await session.entries("/")


async def test_replies_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftp_client, "_MAX_REPLIES", 10_000)
    async with scripted({"USER": "230-" + "x" * 100 + "\r\n" + ("more\r\n" * 10_000)}) as control:
        with pytest.raises(RemoteFileError, match="says too much"):
            async with connect_ftp(LOOPBACK, {"host": "127.0.0.1", "port": control}, seconds=10, limit=LIMIT):
                pass


@pytest.mark.parametrize("answer", ["", "no number", "999 odd", "230"])
async def test_what_is_no_ftp_is_an_error_of_the_step(answer: str) -> None:
    async with scripted({"USER": answer, "TYPE": "nonsense"}) as control:
        with pytest.raises(RemoteFileError):
            async with connect_ftp(LOOPBACK, {"host": "127.0.0.1", "port": control}, seconds=10, limit=LIMIT):
                pass
