"""What all tasks of a worker share, and the capabilities over it."""

from dataclasses import dataclass
from typing import Final, Self

import httpx

from runtime.hosts.capabilities import CapabilityHost
from runtime.platform.credentials import CredentialStore
from runtime.platform.egress import EgressClients
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.sandbox.runner import CodeRunner
from service.tenants import EgressAllowLists

__all__ = ["WorkerResources"]

PACKAGE: Final = "runtime.hosts.temporal.capabilities"


@dataclass(frozen=True)
class WorkerResources:
    """Connections and settings, for every tenant."""

    settings: Settings
    database: Database
    credentials: CredentialStore
    blobs: BlobStore
    code: CodeRunner
    allow_lists: EgressAllowLists
    clients: EgressClients
    """HTTP clients of tenants, within the egress guard."""
    operator_client: httpx.AsyncClient
    """For services that the operator set up: no guard stands before them."""

    @classmethod
    def of(cls, settings: Settings, database: Database, credentials: CredentialStore, blobs: BlobStore) -> Self:
        """Return resources over these connections; `close` ends what it opens itself."""
        proxy = settings.egress_proxy.get_secret_value() if settings.egress_proxy else None
        return cls(
            settings,
            database,
            credentials,
            blobs,
            CodeRunner(),
            EgressAllowLists(database),
            EgressClients(settings.egress_allow, proxy),
            httpx.AsyncClient(trust_env=False),
        )

    def capabilities(self) -> CapabilityHost:
        """Return what gives tasks their capabilities."""
        return CapabilityHost(PACKAGE, self)

    async def egress_allow(self, tenant: str) -> tuple[str, ...]:
        """Return the hosts and networks that the operator and the tenant opened."""
        return (*self.settings.egress_allow, *await self.allow_lists.get(tenant))

    async def close(self) -> None:
        """Close connections and child processes."""
        await self.clients.close()
        await self.operator_client.aclose()
        await self.code.close()
