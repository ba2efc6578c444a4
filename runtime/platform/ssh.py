"""Commands and files on a server of a tenant, by SSH, through the tenant's egress guard."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncssh

from runtime.platform.egress import EgressPolicy
from runtime.platform.guarded_socket import ConnectError, port_of
from runtime.values.streams import LongBytes, pieces_of

__all__ = ["Executed", "SshError", "download", "execute", "upload"]

SECONDS: Final = 600.0
"""How long a command, or one piece of a file, may take."""
OUTPUT_BYTES: Final = 16 << 20
"""What a command may write on stdout, and on stderr."""
_CONNECT_SECONDS: Final = 30.0
_PIECE: Final = 1 << 16


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
