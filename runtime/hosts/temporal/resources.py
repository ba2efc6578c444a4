"""What all tasks of a worker share, and the capabilities over it."""

from dataclasses import dataclass, field, replace
from typing import Final, Self

import httpx

from runtime.hosts.capabilities import CapabilityHost
from runtime.hosts.temporal.credential_use_writer import CredentialUseWriter
from runtime.hosts.temporal.service_pauses import ServicePauses
from runtime.hosts.tenant_sender import egress_clients
from runtime.http.credential_hosts import Binding
from runtime.http.oauth2_types import token_of
from runtime.platform.credentials import CredentialStore
from runtime.platform.egress_clients import EgressClients, NoCookies
from runtime.platform.postgres import Database
from runtime.platform.service_turns import ServiceTurns
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.token_cache import TokenCache
from runtime.platform.token_renewals import TokenRenewals
from runtime.sandbox.pool import MAX_BUSY_CHILDREN
from runtime.sandbox.runner import CodeRunner
from runtime.sandbox.tenant_slots import TenantSlots
from service.credential_uses import CredentialUses
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
    uses: CredentialUseWriter
    """Who opened which credential."""
    turns: ServiceTurns
    """Of requests to vendors that bear only so many."""
    renewals: TokenRenewals
    """Of OAuth2 tokens, for every step of the service."""
    tokens: TokenCache = field(default_factory=TokenCache)
    """Of service accounts."""
    pauses: ServicePauses = field(default_factory=ServicePauses)
    """Which services asked for a pause."""
    opened: dict[str, Binding] = field(default_factory=dict)
    """Of one task: where each credential that it opened may be sent, by type."""

    @classmethod
    def of(cls, settings: Settings, database: Database, credentials: CredentialStore, blobs: BlobStore) -> Self:
        """Return resources over these connections; `close` ends what it opens itself."""
        return cls(
            settings,
            database,
            credentials,
            blobs,
            CodeRunner(slots=TenantSlots(MAX_BUSY_CHILDREN, settings.code_share)),
            EgressAllowLists(database),
            egress_clients(settings),
            httpx.AsyncClient(trust_env=False, cookies=NoCookies()),
            CredentialUseWriter(CredentialUses(database).write),
            ServiceTurns(database),
            TokenRenewals(database, credentials, token_of),
        )

    def capabilities(self) -> CapabilityHost:
        """Return what gives tasks their capabilities."""
        return _WorkerCapabilities(PACKAGE, self)

    async def egress_allow(self, tenant: str) -> tuple[str, ...]:
        """Return the hosts and networks that the operator and the tenant opened."""
        return (*self.settings.egress_allow, *await self.allow_lists.get(tenant))

    async def close(self) -> None:
        """Close connections and child processes."""
        await self.renewals.close()
        await self.uses.close()
        await self.clients.close()
        await self.operator_client.aclose()
        await self.code.close()


class _WorkerCapabilities(CapabilityHost):
    """The worker's capabilities: what a task's credentials are opened for is known to its requests."""

    def of_task(self) -> CapabilityHost:
        """Return a copy with credentials of its own."""
        return CapabilityHost(PACKAGE, replace(self._resources, opened={}), **self._replaced)
