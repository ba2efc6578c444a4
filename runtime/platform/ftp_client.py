"""An FTP server that a tenant names: ftplib on a thread of its own; its connections, those for data too, pass the egress guard."""

import contextlib
import ftplib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Final, TextIO

from runtime.platform.egress import EgressPolicy, EgressRefused
from runtime.platform.guarded_socket import ConnectError, connect, port_of
from runtime.platform.own_thread import OwnThread
from runtime.values.ftp_listing import entry_of
from runtime.values.streams import LongBytes, pieces_of
from schemas.remote_files import RemoteFileError
from schemas.run import MAX_ITEMS

__all__ = ["FtpClient", "connect_ftp"]

SECONDS: Final = 300.0
"""How long a file or a list may take, as an HTTP request of a node."""
_READ_SECONDS: Final = 60.0
_PIECE: Final = 1 << 16
_MAX_LIST_BYTES: Final = 64 * 1024 * 1024
_MAX_REPLIES: Final = 16 * 1024 * 1024
"""Characters of all replies of a session."""
_FAILURES: Final = (ftplib.Error, EOFError, OSError, ValueError, AttributeError, LookupError)
"""What ftplib raises at answers of a server, and at those that are none of FTP. `OSError` has sockets and time-outs."""


class _Ftp(ftplib.FTP):
    """A client on a socket that was checked, for files that are on the same machine."""

    encoding = "utf-8"
    _replied = 0

    def __init__(self, sock: socket.socket, file: TextIO, host: str, policy: EgressPolicy) -> None:
        super().__init__(timeout=_READ_SECONDS)
        self.host, self._policy = host, policy
        self.sock, self.af, self.file = sock, sock.family, file
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open the connection for data: to the address of the server, whatever address it names."""
        del rest
        port = self._data_port()
        assert self.sock is not None  # set above
        address = self.sock.getpeername()[0]
        self._policy.check(self.host, port, address)
        data = socket.create_connection((address, port), timeout=_READ_SECONDS)
        try:
            reply = self.sendcmd(cmd)
            if reply.startswith("2"):  # of the command before
                reply = self.getresp()
            if not reply.startswith("1"):
                raise ftplib.error_reply(reply)  # noqa: S321, TRY301 - FTP is what the node is for; the socket is closed below
        except BaseException:
            data.close()
            raise
        return data, None

    def getline(self) -> str:
        """Read a line of a reply, of which ftplib bounds the length, and this the number."""
        line: str = super().getline()
        self._replied += len(line) + 1
        if self._replied > _MAX_REPLIES:
            raise ftplib.error_proto("The server says too much")  # noqa: S321 - FTP is what the node is for
        return line

    def _data_port(self) -> int:
        """Return the port that the server opens, asked as n8n does: by EPSV, else by PASV."""
        assert self.sock is not None
        try:
            reply = self.sendcmd("EPSV")
        except ftplib.error_perm:
            return int(ftplib.parse227(self.sendcmd("PASV"))[1])  # noqa: S321 - FTP is what the node is for
        return int(ftplib.parse229(reply, self.sock.getpeername())[1])  # noqa: S321 - FTP is what the node is for


class FtpClient:
    """A session. See `RemoteFolder`."""

    def __init__(self, client: _Ftp, thread: OwnThread, limit: int) -> None:
        self._client, self._thread, self._limit = client, thread, limit

    async def entries(self, path: str) -> list[dict[str, Any]]:
        """By LIST, of which the forms of Unix and of Windows are read."""
        lines = (
            (await self._call(self._read, f"LIST {path}".rstrip(), _MAX_LIST_BYTES))
            .decode("utf-8", "replace")
            .splitlines()
        )
        if len(lines) > MAX_ITEMS:
            raise RemoteFileError(f"The folder has more than {MAX_ITEMS:,} entries")
        now = time.time()
        return [each for line in lines if (each := entry_of(line, now)) is not None]

    async def read(self, path: str) -> bytes:
        """By RETR."""
        data: bytes = await self._call(self._read, f"RETR {path}", self._limit)
        return data

    async def write(self, path: str, data: bytes | LongBytes) -> None:
        """By STOR."""
        connection, _ = await self._call(self._client.ntransfercmd, f"STOR {path}")
        try:
            async for piece in pieces_of(data):
                await self._call(connection.sendall, piece)
        finally:
            connection.close()
        await self._call(self._client.voidresp)

    async def rename(self, old: str, new: str) -> None:
        """By RNFR and RNTO."""
        await self._call(self._client.rename, old, new)

    async def remove(self, path: str) -> None:
        """By DELE."""
        await self._call(self._client.voidcmd, f"DELE {path}")

    async def remove_folder(self, path: str) -> None:
        """By RMD."""
        await self._call(self._client.voidcmd, f"RMD {path}")

    async def make_folders(self, path: str) -> None:
        """By CWD into each, and MKD where that fails."""
        await self._call(self._make_folders, path)

    def _make_folders(self, path: str) -> None:
        before = self._client.pwd()
        try:
            if path.startswith("/"):
                self._client.voidcmd("CWD /")
            for name in filter(None, path.split("/")):
                try:
                    self._client.voidcmd(f"CWD {name}")
                except ftplib.error_perm:
                    self._client.voidcmd(f"MKD {name}")
                    self._client.voidcmd(f"CWD {name}")
        finally:
            self._client.voidcmd(f"CWD {before}")

    def _read(self, command: str, limit: int) -> bytes:
        parts, size = list[bytes](), 0
        connection, _ = self._client.ntransfercmd(command)
        with connection:
            while piece := connection.recv(_PIECE):
                parts.append(piece)
                size += len(piece)
                if size > limit:
                    raise RemoteFileError(f"The server sent more than {limit:,} bytes, which is the limit of a file")
        self._client.voidresp()
        return b"".join(parts)

    async def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return await self._thread.call(SECONDS, function, *arguments)
        except TimeoutError as error:
            raise RemoteFileError(f"The server did not finish within {SECONDS:g} seconds") from error
        except _FAILURES as error:
            raise _failure(error) from error


@contextlib.asynccontextmanager
async def connect_ftp(
    allow: Iterable[str], server: Mapping[str, Any], *, seconds: float, limit: int
) -> AsyncIterator[FtpClient]:
    """Yield a session by an `ftp` credential; `seconds` to connect, `limit`: bytes of a file.

    Raises:
        RemoteFileError: the server cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    entries, host = tuple(allow), str(server.get("host") or "")
    seconds = max(1.0, min(seconds, _READ_SECONDS))
    try:
        sock = await connect(entries, host, port_of(server, 21), timeout=seconds)
    except ConnectError as error:
        raise RemoteFileError(str(error)) from error
    sock.setblocking(True)
    sock.settimeout(_READ_SECONDS)
    thread, file = OwnThread(sock), sock.makefile("r", encoding=_Ftp.encoding, errors="replace")

    def open_client() -> _Ftp:
        return _Ftp(sock, file, host, EgressPolicy.parse(entries))

    try:
        yield FtpClient(await _logged_in(thread, open_client, server, seconds), thread, limit)
    finally:
        thread.close()
        sock.close()
        file.close()


async def _logged_in(
    thread: OwnThread, open_client: Callable[[], _Ftp], server: Mapping[str, Any], seconds: float
) -> _Ftp:
    def log_in() -> _Ftp:
        client = open_client()
        client.login(str(server.get("username") or ""), str(server.get("password") or ""))
        with contextlib.suppress(ftplib.error_perm):
            client.sendcmd("OPTS UTF8 ON")
        client.voidcmd("TYPE I")
        return client

    try:
        return await thread.call(max(seconds, _READ_SECONDS), log_in)
    except TimeoutError as error:
        raise RemoteFileError("Timeout while connecting to server") from error
    except _FAILURES as error:
        raise _failure(error) from error


def _failure(error: Exception) -> Exception:
    """Return the error in the server's words, without the number of its reply."""
    if isinstance(error, RemoteFileError | EgressRefused):
        return error
    text = str(error)
    number, _, words = text.partition(" ")
    if isinstance(error, ftplib.Error) and number[:3].isdigit():
        return RemoteFileError(words or text, code=int(number[:3]))
    return RemoteFileError(text or type(error).__name__)
