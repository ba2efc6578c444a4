"""No mail."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from runtime.contract import NodeError
from runtime.contract.capabilities import Mail
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoMail(Mail):
    """Nothing is sent or read."""

    def __init__(self, node: str) -> None:
        self._node = node

    async def send(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        """Refuse."""
        del sender, recipients, message, verify
        raise NodeError(f"Node '{self._node}' sends mail, and this run is offline", item=item)

    async def receive(
        self, mailbox: str, criteria: str, *, after: int | None, mark: Sequence[int], verify: bool = True
    ) -> list[tuple[int, bytes]]:
        """Refuse."""
        del mailbox, criteria, after, mark, verify
        raise NodeError(f"Node '{self._node}' reads mail, and this run is offline")


def provide(resources: OfflineResources, task: Task) -> NoMail:
    """Return the mail of a task."""
    del resources
    return NoMail(task["step"]["name"])
