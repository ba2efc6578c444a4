"""Sockets to servers that a tenant names, within the egress guard: the connection goes to an address that was checked."""

import asyncio
import errno
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final

from runtime.platform.egress import EgressPolicy

__all__ = ["CONNECT_SECONDS", "ConnectError", "connect", "port_of", "resolve"]

CONNECT_SECONDS: Final = 30.0
_PORTS: Final = 1 << 16


class ConnectError(Exception):
    """There is no connection. The message is Node's (`connect ECONNREFUSED host:port`)."""


def port_of(server: Mapping[str, Any], default: int) -> int:
    """Return the port that a credential names, in Node's words where it is none. Raise ConnectError."""
    written = server.get("port") or default
    try:
        port = int(written)
    except (ArithmeticError, TypeError, ValueError):
        port = 0
    if not 0 < port < _PORTS:
        raise ConnectError(f"Port should be > 0 and < {_PORTS}. Received {str(written)[:100]!r}.")
    return port


async def resolve(allow: Iterable[str], host: str, port: int) -> list[str]:
    """Return the addresses of a host, every one of them checked.

    Raises:
        ConnectError: it has none.
        EgressRefused: the tenant may not go there.
    """
    try:
        addresses = await EgressPolicy.parse(allow).resolve(host, port)
    except (OSError, UnicodeError) as error:  # UnicodeError: no host name, for instance one with an empty label
        raise ConnectError(f"getaddrinfo ENOTFOUND {host}") from error
    if not addresses:
        raise ConnectError(f"{host} has no address")
    return addresses


async def connect(allow: Iterable[str], host: str, port: int, *, timeout: float = CONNECT_SECONDS) -> socket.socket:
    """Return a non-blocking socket to the first address of a host that accepts; `timeout`: seconds for each.

    Raises:
        ConnectError: none accepts.
        EgressRefused: the tenant may not go there.
    """
    loop, last = asyncio.get_running_loop(), ""
    for address in await resolve(allow, host, port):
        connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(connection, (address, port)), timeout)
        except TimeoutError:
            connection.close()
            last = f"connect ETIMEDOUT {host}:{port}"
        except OSError as error:
            connection.close()
            name = errno.errorcode.get(error.errno or 0, "ECONNREFUSED")
            last = f"connect {name} {host}:{port}"
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise ConnectError(last)
