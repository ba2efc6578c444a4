"""Sending messages by SMTP and receiving them by IMAP, through a tenant's egress guard."""

import asyncio
import contextlib
import imaplib
import socket
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiosmtplib

from runtime.platform.egress import EgressPolicy

__all__ = ["MailError", "Received", "receive", "send"]

_PATIENCE = 60.0
MOST: Final = 100
"""Messages of one look into a mailbox; the next look has the others."""
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
    client = aiosmtplib.SMTP(
        hostname=host, sock=await _connected(EgressPolicy.parse(allow), host, port), use_tls=secure,
        start_tls=False if secure or server.get("disableStartTls") else None, tls_context=_context(verify=verify), timeout=_PATIENCE,
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


@dataclass(frozen=True)
class Received:
    """A message of a mailbox."""

    uid: int
    raw: bytes


async def receive(
    allow: Iterable[str],
    server: Mapping[str, Any],
    mailbox: str,
    criteria: str,
    *,
    after: int | None,
    mark: Sequence[int],
) -> list[Received]:
    """The messages that match, oldest first, MOST at most.

    Args:
        allow: where the tenant may go.
        server: an `imap` credential.
        mailbox: its name on the server.
        criteria: IMAP search keys.
        after: only those with a higher uid.
        mark: uids of earlier messages to mark as read first.

    Raises:
        MailError: the server cannot be reached, or refuses.
        EgressRefused: the tenant may not go there.
    """
    host, secure = str(server.get("host") or ""), bool(server.get("secure", True))
    port = int(server.get("port") or (993 if secure else 143))
    connected = await _connected(EgressPolicy.parse(allow), host, port)
    connected.setblocking(True)
    connected.settimeout(_PATIENCE)

    def work() -> list[Received]:
        client = _Imap(connected, host, _context(verify=not server.get("allowUnauthorizedCerts")) if secure else None)
        try:
            client.login(str(server.get("user") or ""), str(server.get("password") or ""))
            _done(client.select(_quoted(mailbox)))
            if mark:
                _done(client.uid("STORE", ",".join(map(str, mark)), "+FLAGS", r"(\Seen)"))
            wanted = criteria if after is None else f"{criteria} UID {after + 1}:*"
            found = _done(client.uid("SEARCH", wanted))
            uids = sorted(int(each) for each in (found[0] or b"").split())
            uids = [uid for uid in uids if after is None or uid > after][:MOST]  # `n:*` has the last one always
            return [Received(uid, _body(_done(client.uid("FETCH", str(uid), "(BODY.PEEK[])")))) for uid in uids]
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.logout()

    try:
        return await asyncio.to_thread(work)
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        told = error.args[0] if error.args else ""
        text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise MailError(text or type(error).__name__) from error
    finally:
        connected.close()


class _Imap(imaplib.IMAP4):
    """Over a connection that the egress guard has made."""

    def __init__(self, connected: socket.socket, host: str, context: ssl.SSLContext | None) -> None:
        self._connected, self._context = connected, context
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        del timeout
        if self._context is None:
            return self._connected
        return self._context.wrap_socket(self._connected, server_hostname=self.host)


def _context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _done(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise imaplib.IMAP4.error(answer[1][0] if answer[1] else answer[0])
    return answer[1]


def _body(parts: list[Any]) -> bytes:
    return next((part[1] for part in parts if isinstance(part, tuple)), b"")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
