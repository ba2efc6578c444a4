"""Commands and files on a server of a tenant, by SSH and SFTP, through the tenant's egress guard."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncssh

from runtime.platform.egress import EgressPolicy
from runtime.platform.guarded_socket import ConnectError, connect, port_of
from runtime.values.dates import Instant
from runtime.values.streams import LongBytes, pieces_of
from schemas.remote_files import RemoteFileError
from schemas.run import MAX_ITEMS

__all__ = ["Executed", "SftpClient", "SshError", "connect_sftp", "download", "execute", "upload"]

SECONDS: Final = 600.0
"""How long a command, or one piece of a file, may take."""
OUTPUT_BYTES: Final = 16 << 20
"""What a command may write on stdout, and on stderr."""
_CONNECT_SECONDS: Final = 30.0
_PIECE: Final = 1 << 16
_RIGHTS: Final = ((4, "r"), (2, "w"), (1, "x"))


class SshError(Exception):
    """The server cannot be reached, or refuses. The message is for the author."""


@dataclass(frozen=True)
class Executed:
    """How a command ended: its exit code, or the name of the signal that ended it, and what it wrote."""

    code: int | None
    signal: str | None
    stdout: str
    stderr: str


async def execute(allow: Iterable[str], server: Mapping[str, Any], command: str) -> Executed:
    """Run a command on the server of an `sshPassword` or `sshPrivateKey` credential.

    Raises:
        SshError: it did not run, or not to its end.
        EgressRefused: no egress entry of the tenant names the server with its port.
    """
    async with _connected(allow, server) as connection, connection.create_process(command, encoding=None) as process:
        stdout, stderr = await asyncio.gather(_read(process.stdout, "stdout"), _read(process.stderr, "stderr"))
        await process.wait_closed()
        signal = process.exit_signal
        code = process.exit_status if signal is None else None
        return Executed(code, None if signal is None else signal[0], stdout.strip(), stderr.strip())


async def upload(allow: Iterable[str], server: Mapping[str, Any], path: str, data: bytes | LongBytes) -> None:
    """Write a file on the server. Raise as `execute`."""
    async with (
        _connected(allow, server) as connection,
        connection.start_sftp_client() as client,
        client.open(path, "wb") as file,
    ):
        async for piece in pieces_of(data):
            await file.write(piece)


async def download(allow: Iterable[str], server: Mapping[str, Any], path: str, limit: int) -> bytes:
    """Return a file of the server, of at most `limit` bytes. Raise as `execute`."""
    async with (
        _connected(allow, server) as connection,
        connection.start_sftp_client() as client,
        client.open(path, "rb") as file,
    ):
        parts, size = list[bytes](), 0
        while piece := await file.read(_PIECE):
            assert isinstance(piece, bytes)  # the mode is binary
            parts.append(piece)
            size += len(piece)
            if size > limit:
                raise SshError(f"{path} has more than {limit:,} bytes, which is the limit of a file")
        return b"".join(parts)


@contextlib.asynccontextmanager
async def _connected(allow: Iterable[str], server: Mapping[str, Any]) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Give a connection; whatever goes wrong until it is closed is an SshError."""
    try:
        host, port = str(server.get("host") or ""), port_of(server, 22)
    except ConnectError as error:
        raise SshError(str(error)) from error
    try:
        async with asyncio.timeout(SECONDS):
            login = _login(server)
            sock = await _socket(allow, host, port)
            try:
                connection = await asyncssh.connect(host, sock=sock, login_timeout=_CONNECT_SECONDS, **login)
            except BaseException:
                sock.close()  # asyncssh does not where it refuses what it was given
                raise
            async with connection:
                yield connection
    except TimeoutError as error:
        raise SshError(f"{host}:{port} did not finish within {SECONDS:g} seconds") from error
    except (asyncssh.Error, OSError, ValueError) as error:
        raise SshError(str(error) or type(error).__name__) from error


def _login(server: Mapping[str, Any]) -> dict[str, Any]:
    """Return how to log in, with nothing of this machine: no agent, no keys, no configuration. Raise SshError.

    n8n's credential has no key of the host, so that any is taken, as in n8n.
    """
    login: dict[str, Any] = {
        "username": str(server.get("username") or ""),
        "known_hosts": None,
        "agent_path": None,
        "config": None,
        "client_keys": None,
        "compression_algs": ["none"],  # what a server compresses may be any length
    }
    if server.get("privateKey"):
        try:
            key = asyncssh.import_private_key(
                _key_text(str(server["privateKey"])), str(server.get("passphrase") or "") or None
            )
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise SshError(f"The private key cannot be read: {error}") from error
        return login | {"client_keys": [key]}
    return login | {"password": str(server.get("password") or "")}


def _key_text(text: str) -> str:
    """Return a key whose line breaks were lost on the way with line breaks again."""
    if "\n" in text.strip():
        return text.strip() + "\n"
    head, _, rest = text.strip().partition("-----BEGIN")[2].partition("-----")
    body, _, _ = rest.partition("-----END")
    return f"-----BEGIN{head}-----\n" + "\n".join(body.split()) + f"\n-----END{head}-----\n"


async def _socket(allow: Iterable[str], host: str, port: int) -> socket.socket:
    """Return a socket to a server that an entry names with its port: SSH is closed unless the operator opens it."""
    policy = EgressPolicy.parse(allow, frozenset())
    policy.check_port(host, port)
    addresses = await policy.resolve(host, port)
    loop, failure = asyncio.get_running_loop(), OSError(f"{host} has no address")
    for address in addresses:
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(connection, (address, port)), _CONNECT_SECONDS)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


async def _read(stream: Any, name: str) -> str:
    parts, size = list[bytes](), 0
    while piece := await stream.read(_PIECE):
        parts.append(piece)
        size += len(piece)
        if size > OUTPUT_BYTES:
            raise SshError(f"The command wrote more than {OUTPUT_BYTES:,} bytes on {name}")
    return b"".join(parts).decode("utf-8", "replace")


# --- SFTP -----------------------------------------------------------------------------------------------------------


class SftpClient:
    """A session. See `RemoteFolder`; messages begin with the name of the method, as n8n's client writes them."""

    def __init__(self, client: asyncssh.SFTPClient, limit: int) -> None:
        self._client, self._limit = client, limit

    async def entries(self, path: str) -> list[dict[str, Any]]:
        """By SFTP's READDIR."""
        entries: list[dict[str, Any]] = []
        async with _worded("list", path):
            async for name in self._client.scandir(path):
                if name.filename in (".", ".."):
                    continue
                if len(entries) == MAX_ITEMS:
                    raise RemoteFileError(f"The folder has more than {MAX_ITEMS:,} entries")
                entries.append(_entry(name))
        return entries

    async def read(self, path: str) -> bytes:
        """Piece by piece, within the limit."""
        async with _worded("get", path):
            parts, size = list[bytes](), 0
            async with self._client.open(path, "rb") as file:
                while piece := await file.read(_PIECE):
                    assert isinstance(piece, bytes)  # the mode is binary
                    parts.append(piece)
                    size += len(piece)
                    if size > self._limit:
                        raise RemoteFileError(
                            f"{path} has more than {self._limit:,} bytes, which is the limit of a file"
                        )
            return b"".join(parts)

    async def write(self, path: str, data: bytes | LongBytes) -> None:
        """Piece by piece."""
        async with _worded("_put: Write stream error", path), self._client.open(path, "wb") as file:
            async for piece in pieces_of(data):
                await file.write(piece)

    async def rename(self, old: str, new: str) -> None:
        """By RENAME, which replaces nothing."""
        async with _worded("_rename", f"From: {old} To: {new}"):
            await self._client.rename(old, new)

    async def remove(self, path: str) -> None:
        """By REMOVE."""
        async with _worded("delete", path):
            await self._client.remove(path)

    async def remove_folder(self, path: str) -> None:
        """By RMDIR."""
        async with _worded("rmdir", path):
            if not await self._client.isdir(path) and await self._client.exists(path):
                raise RemoteFileError(f"rmdir: Bad Path: {path}: Not a directory")
            await self._client.rmdir(path)

    async def make_folders(self, path: str) -> None:
        """By MKDIR, from above."""
        async with _worded("mkdir", path):
            await self._client.makedirs(path, exist_ok=True)


def _entry(name: asyncssh.SFTPName) -> dict[str, Any]:
    attrs, mode = name.attrs, name.attrs.permissions or 0
    longname = name.longname if isinstance(name.longname, str) else ""
    type_ = longname[:1] or {0o040000: "d", 0o120000: "l"}.get(mode & 0o170000, "-")
    rights = {
        who: "".join(letter for bit, letter in _RIGHTS if mode >> shift & bit)
        for who, shift in (("user", 6), ("group", 3), ("other", 0))
    }
    times = {
        key: Instant(1000 * (seconds or 0), 0, utc=True).iso()
        for key, seconds in (("modifyTime", attrs.mtime), ("accessTime", attrs.atime))
    }
    head = {"type": type_, "name": name.filename, "size": attrs.size or 0}
    return {**head, **times, "rights": rights, "owner": attrs.uid, "group": attrs.gid, "longname": longname}


@contextlib.asynccontextmanager
async def _worded(method: str, path: str) -> AsyncIterator[None]:
    """Raise what goes wrong in the words of n8n's client."""
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except TimeoutError as error:
        raise RemoteFileError(f"{method}: the server did not finish within {SECONDS:g} seconds {path}") from error
    except asyncssh.SFTPError as error:
        raise RemoteFileError(f"{method}: {error.reason} {path}") from error
    except (asyncssh.Error, OSError, ValueError) as error:
        raise RemoteFileError(f"{method}: {error} {path}") from error


@contextlib.asynccontextmanager
async def connect_sftp(
    allow: Iterable[str], server: Mapping[str, Any], *, seconds: float, limit: int
) -> AsyncIterator[SftpClient]:
    """Yield a session by an `sftp` credential; `seconds` to connect, `limit`: bytes of a file.

    Raises:
        RemoteFileError: the server cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    seconds = max(1.0, min(seconds, SECONDS))
    host = str(server.get("host") or "")
    try:
        login = _login(server)
        sock = await connect(allow, host, port_of(server, 22), timeout=seconds)
    except (ConnectError, SshError) as error:
        raise RemoteFileError(f"getConnection: {error}") from error
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(sock.close)
        try:
            async with asyncio.timeout(max(seconds, _CONNECT_SECONDS)):
                connection = await asyncssh.connect(
                    host, sock=sock, login_timeout=max(seconds, _CONNECT_SECONDS), **login
                )
                stack.push_async_callback(connection.wait_closed)
                stack.callback(connection.close)
                client = await connection.start_sftp_client()
                stack.callback(client.exit)
        except asyncssh.PermissionDenied as error:
            raise RemoteFileError("getConnection: All configured authentication methods failed") from error
        except (TimeoutError, asyncssh.Error, OSError, ValueError) as error:
            raise RemoteFileError(f"getConnection: {str(error) or type(error).__name__}") from error
        yield SftpClient(client, limit)
