"""Capability: SMTP and IMAP."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, Protocol

__all__ = ["Mail"]


class Mail(Protocol):
    """Mail by the step's `smtp` and `imap` credentials, through the tenant's egress guard."""

    async def send(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        """Send a message with a Message-ID that is the same on every attempt; return what nodemailer reports of it.

        `verify`: check the server's certificate. `item`: index of the input item that the message is for. Raises NodeError.
        """

    async def receive(
        self, mailbox: str, criteria: str, *, after: int | None, mark: Sequence[int], verify: bool = True
    ) -> list[tuple[int, bytes]]:
        """Return (uid, raw message) of the messages that match IMAP search keys, oldest first.

        `after`: only messages with a higher uid. `mark`: uids of earlier messages, to mark as read first. `verify`: check the
        server's certificate. Raises NodeError.
        """
