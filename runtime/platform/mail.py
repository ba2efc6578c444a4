"""Send messages by SMTP and receive them by IMAP, through a tenant's egress guard."""

import contextlib
import imaplib
import socket
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiosmtplib

from runtime.platform.guarded_socket import ConnectError, connect, port_of
from runtime.platform.own_thread import OwnThread

__all__ = ["MailError", "ReceivedMessage", "check_imap", "check_smtp", "receive", "send"]

_TIMEOUT_SECONDS = 60.0
RECEIVE_SECONDS: Final = 300.0
"""Seconds that a call of `receive` may take, whatever the server does: as long as an HTTP request of a node."""
MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes that a server may send for a call of `receive`. Each line counts as `_LINE_BYTES` more, which it takes in memory."""
_LINE_BYTES: Final = 100
MAX_MESSAGES: Final = 100
"""Messages that one call of `receive` returns; the next call returns the others."""
_SMTP_PORT = {True: 465, False: 587}
"""Default port by `secure`."""


class MailError(Exception):
    """The mail server cannot be reached, or refuses. The message is the server's."""


async def send(
    allow: Iterable[str],
    server: Mapping[str, Any],
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *,
    verify: bool,
) -> dict[str, Any]:
    """Send a message through the server of an `smtp` credential; return nodemailer's report about it.

    Raises:
        MailError: the message was sent to no recipient.
        EgressRefused: the tenant may not go there.
    """
    client = await _smtp(allow, server, verify=verify)
    try:
        began = time.monotonic()
        await _log_in(client, server)
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
        "envelopeTime": round(1000 * (opened - began)),
        "messageTime": round(1000 * (sent - opened)),
        "messageSize": len(message),
        "response": response.replace("\n", " "),
        "envelope": {"from": sender, "to": list(recipients)},
    }


async def check_smtp(allow: Iterable[str], server: Mapping[str, Any]) -> None:
    """Log in with an `smtp` credential, and send nothing. Raise as `send`."""
    client = await _smtp(allow, server, verify=True)
    try:
        await _log_in(client, server)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(str(error) or type(error).__name__) from error
    finally:
        client.close()


async def _smtp(allow: Iterable[str], server: Mapping[str, Any], *, verify: bool) -> aiosmtplib.SMTP:
    host, secure = str(server.get("host") or ""), bool(server.get("secure", True))
    port = _port(server, _SMTP_PORT[secure])
    return aiosmtplib.SMTP(
        hostname=host,
        sock=await _connect(allow, host, port),
        use_tls=secure,
        start_tls=False if secure or server.get("disableStartTls") else None,
        tls_context=_context(verify=verify),
        timeout=_TIMEOUT_SECONDS,
        local_hostname=str(server.get("hostName") or "") or "localhost",
    )


async def _log_in(client: aiosmtplib.SMTP, server: Mapping[str, Any]) -> None:
    await client.connect()
    if server.get("user"):
        await client.login(str(server["user"]), str(server.get("password") or ""))


def _port(server: Mapping[str, Any], default: int) -> int:
    try:
        return port_of(server, default)
    except ConnectError as error:
        raise MailError(str(error)) from error


async def _connect(allow: Iterable[str], host: str, port: int) -> socket.socket:
    try:
        return await connect(allow, host, port, timeout=_TIMEOUT_SECONDS)
    except ConnectError as error:
        raise MailError(str(error)) from error


@dataclass(frozen=True)
class ReceivedMessage:
    """A message of a mailbox: its IMAP uid and its bytes."""

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
) -> list[ReceivedMessage]:
    """Return the messages that match, oldest first, at most MAX_MESSAGES.

    Args:
        allow: the tenant's egress entries.
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
    port = _port(server, 993 if secure else 143)
    connection = await _connect(allow, host, port)
    connection.setblocking(True)
    connection.settimeout(_TIMEOUT_SECONDS)
    thread = OwnThread(connection)

    def work() -> list[ReceivedMessage]:
        client = _Imap(connection, host, _context(verify=not server.get("allowUnauthorizedCerts")) if secure else None)
        try:
            client.login(str(server.get("user") or ""), str(server.get("password") or ""))
            _result(client.select(_quoted(mailbox)))
            if mark:
                _result(client.uid("STORE", ",".join(map(str, mark)), "+FLAGS", r"(\Seen)"))
            if not criteria.isprintable():
                raise ValueError(f"{criteria!r} is no search")
            search = criteria if after is None else f"{criteria} UID {after + 1}:*"
            matches = _result(client.uid("SEARCH", search))
            uids = sorted(int(each) for each in (matches[0] or b"").split())
            uids = [uid for uid in uids if after is None or uid > after][:MAX_MESSAGES]  # `n:*` always has the last one
            return [
                ReceivedMessage(uid, _body(_result(client.uid("FETCH", str(uid), "(BODY.PEEK[])")))) for uid in uids
            ]
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.logout()
            with contextlib.suppress(OSError):
                client.shutdown()  # which `logout` does only after an answer

    try:
        return await thread.call(RECEIVE_SECONDS, work)
    except (imaplib.IMAP4.error, OSError, ValueError, LookupError, TypeError) as error:  # the last: what is no IMAP
        detail = error.args[0] if error.args else ""
        text = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
        raise MailError(text or type(error).__name__) from error
    finally:
        thread.close()
        connection.close()


async def check_imap(allow: Iterable[str], server: Mapping[str, Any]) -> None:
    """Log in with an `imap` credential, and read nothing. Raise as `receive`."""
    await receive(allow, server, "INBOX", "NOT ALL", after=None, mark=())


class _Imap(imaplib.IMAP4):
    """An IMAP client on a connection that the egress guard has checked. It reads no more than it may."""

    _received = 0

    def __init__(self, connection: socket.socket, host: str, context: ssl.SSLContext | None) -> None:
        self._connection, self._context = connection, context
        super().__init__(host)
        self._encoding = "utf-8"  # of what is sent: a search, a name or a password may have any letter

    def _create_socket(self, timeout: float | None) -> socket.socket:
        del timeout
        if self._context is None:
            return self._connection
        return self._context.wrap_socket(self._connection, server_hostname=self.host)

    def read(self, size: int) -> bytes:
        """Read a literal."""
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        """Read a line, of which imaplib limits the length."""
        line = super().readline()
        self._count(len(line) + _LINE_BYTES)
        return line

    def _count(self, size: int) -> None:
        self._received += size
        if self._received > MAX_BYTES:
            raise self.abort(f"The server sent more than {MAX_BYTES // 1024**2} MB")


def _context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _result(response: tuple[str, list[Any]]) -> list[Any]:
    if response[0] != "OK":
        raise imaplib.IMAP4.error(response[1][0] if response[1] else response[0])
    return response[1]


def _body(parts: list[Any]) -> bytes:
    return next((part[1] for part in parts if isinstance(part, tuple)), b"")


def _quoted(text: str) -> str:
    """Return a quoted string of IMAP. Raise ValueError for what would be a command of its own."""
    if not text.isprintable():
        raise ValueError(f"{text!r} is not the name of a mailbox")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
