"""Sending a message by SMTP through a tenant's egress guard."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiosmtplib

from runtime.platform.egress import EgressPolicy

__all__ = ["MailError", "send"]

_PATIENCE = 60.0
_PORT = {True: 465, False: 587}


class MailError(Exception):
    """The server cannot be reached, or refuses. The message says what it said."""


async def send(
    allow: Iterable[str],
    server: Mapping[str, Any],
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *,
    verify: bool,
) -> dict[str, Any]:
    """Deliver to the server of an `smtp` credential; gives what nodemailer tells of it.

    Raises:
        MailError: nothing was sent to anybody.
        EgressRefused: the tenant may not go there.
    """
    host, secure = str(server.get("host") or ""), bool(server.get("secure", True))
    port = int(server.get("port") or _PORT[secure])
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = aiosmtplib.SMTP(
        hostname=host, sock=await _connected(EgressPolicy.parse(allow), host, port), use_tls=secure,
        start_tls=False if secure or server.get("disableStartTls") else None, tls_context=context, timeout=_PATIENCE,
        local_hostname=str(server.get("hostName") or "") or "localhost",
    )  # fmt: skip
    try:
        began = time.monotonic()
        await client.connect()
        if server.get("user"):
            await client.login(str(server["user"]), str(server.get("password") or ""))
        opened = time.monotonic()
        refused, response = await client.sendmail(sender, list(recipients), message)
        sent = time.monotonic()
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(str(error) or type(error).__name__) from error
    finally:
        client.close()
    return {
        "accepted": [each for each in recipients if each not in refused],
        "rejected": list(refused),
        "ehlo": [f"{name.upper()} {value}".strip() for name, value in client.esmtp_extensions.items()],
        "envelopeTime": round(1000 * (opened - began)), "messageTime": round(1000 * (sent - opened)),
        "messageSize": len(message), "response": response.replace("\n", " "),
        "envelope": {"from": sender, "to": list(recipients)},
    }  # fmt: skip


async def _connected(policy: EgressPolicy, host: str, port: int) -> socket.socket:
    """A socket to the first address that answers, each of them checked."""
    try:
        addresses = await policy.resolve(host, port)
    except OSError as error:
        raise MailError(f"getaddrinfo ENOTFOUND {host}") from error
    loop, last = asyncio.get_running_loop(), ""
    for address in addresses:
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(made, (address, port)), _PATIENCE)
        except OSError as error:
            made.close()
            last = f"connect ECONNREFUSED {host}:{port}: {error.strerror or error}"
        else:
            return made
    raise MailError(last or f"{host} has no address")
