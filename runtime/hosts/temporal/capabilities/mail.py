"""SMTP and IMAP through the tenant's egress guard."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from runtime.contract import NodeApiError, NodeError
from runtime.contract.capabilities import Mail
from runtime.hosts.temporal.capabilities.credentials import WorkerCredentials
from runtime.hosts.temporal.idempotency import idempotency_key
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform import mail
from runtime.platform.egress import EgressRefused
from schemas.task import Task


class WorkerMail(Mail):
    """Mail of the task's tenant, by the credentials of its step."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._task = resources, task
        self._credentials = WorkerCredentials(resources, task)

    async def send(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        """By the `smtp` credential. Receivers know a repetition by its Message-ID."""
        server = await self._credentials.get("smtp")
        domain = sender.rpartition("@")[2] or "localhost"
        message["Message-ID"] = f"<{idempotency_key(self._task, item)}@{domain}>"
        allow = await self._resources.egress_allow(self._task["meta"]["tenant"])
        try:
            report = await mail.send(allow, server, sender, recipients, message.as_bytes(policy=SMTP), verify=verify)
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except mail.MailError as error:
            raise NodeError(str(error), item=item) from error
        return report | {"messageId": message["Message-ID"]}

    async def receive(
        self, mailbox: str, criteria: str, *, after: int | None, mark: Sequence[int], verify: bool = True
    ) -> list[tuple[int, bytes]]:
        """By the `imap` credential."""
        server = await self._credentials.get("imap")
        allow = await self._resources.egress_allow(self._task["meta"]["tenant"])
        try:
            chosen = server if verify else {**server, "allowUnauthorizedCerts": True}
            messages = await mail.receive(allow, chosen, mailbox, criteria, after=after, mark=mark)
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except mail.MailError as error:
            raise NodeError(str(error)) from error
        return [(each.uid, each.raw) for each in messages]


def provide(resources: WorkerResources, task: Task) -> WorkerMail:
    """Return the mail of a task."""
    return WorkerMail(resources, task)
