"""For how long Temporal keeps the histories of closed runs, and whether that is as long as we keep what runs leave."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

__all__ = ["NamespaceRetention", "set_retention"]


@dataclass(frozen=True)
class NamespaceRetention:
    """The retention of a namespace beside the one of the settings. `actual` None: Temporal does not tell."""

    namespace: str
    wanted: timedelta
    actual: timedelta | None

    @classmethod
    async def of(cls, client: Client, wanted: timedelta) -> "NamespaceRetention":
        """Ask Temporal. `wanted`: TEMPOR8_RETENTION_DAYS."""
        try:
            answer = await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=client.namespace)
            )
        except RPCError:
            return cls(client.namespace, wanted, None)
        return cls(client.namespace, wanted, answer.config.workflow_execution_retention_ttl.ToTimedelta())

    @property
    def hint(self) -> str | None:
        """What is lost by a shorter retention, and the command that sets it; None: it is long enough, or not known."""
        if self.actual is None or self.actual >= self.wanted:
            return None
        return (
            f"Temporal keeps histories for {_hours(self.actual)} and this service what runs leave for {_hours(self.wanted)} "
            "(TEMPOR8_RETENTION_DAYS). Results, retries of failed runs and idempotency keys live on; after Temporal's time a "
            "history shows no items, and a run that did not fail is retried from its start only. An operator can run: "
            f"temporal operator namespace update --namespace {self.namespace} --retention {_hours(self.wanted)}"
        )


async def set_retention(client: Client, retention: timedelta) -> None:
    """Let Temporal keep the histories of closed runs for as long as that.

    Raises:
        RPCError: the server refuses, or does not answer.
    """
    config = NamespaceConfig()
    config.workflow_execution_retention_ttl.FromTimedelta(retention)
    await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=config))


def _hours(duration: timedelta) -> str:
    return f"{round(duration.total_seconds() / 3600)}h"
