"""What the application is wired with: the servers it talks to, and the catalogue that the compiler needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from temporalio.client import Client

from runtime.platform.credentials import CredentialStore
from runtime.platform.executions import ExecutionStore
from runtime.platform.listeners import TestListeners
from runtime.platform.postgres import Database
from runtime.platform.resume_links import ResumeLinks
from runtime.platform.settings import Settings
from runtime.platform.storage import BlobStore
from runtime.platform.templates import TemplateCache, TemplateStore
from runtime.platform.tenants import TenantStore
from schemas.node import Catalog
from schemas.run import StartInput, WebhookAnswer

__all__ = ["Ports", "Probe", "Transient"]

Probe = Callable[[], Awaitable[None]]
"""Raises when what it looks at is down."""


class Transient(Protocol):
    """Runs in this process; see `runtime.transient`."""

    async def start(self, given: StartInput, plan_hash: str) -> str:
        """Begin a run and return its run id."""

    async def start_and_answer(self, given: StartInput, plan_hash: str, mode: str) -> WebhookAnswer:
        """Begin a run and give what it wants its caller to get."""

    def cancel(self, workflow_id: str) -> bool:
        """Stop a run; False: there is none."""

    async def run(self) -> None:
        """Write what happens until cancelled."""


@dataclass(frozen=True)
class Ports:
    """The outside of the application. `probes` are further servers for the health check, by name (`vault`)."""

    settings: Settings
    temporal: Client
    database: Database
    tenants: TenantStore
    templates: TemplateCache
    executions: ExecutionStore
    blobs: BlobStore
    credentials: CredentialStore
    catalog: Catalog
    links: ResumeLinks
    transient: Transient | None = None
    """Where transient templates run in this process; None: they run durably, as all others do."""
    probes: Mapping[str, Probe] = field(default_factory=dict)

    @property
    def store(self) -> TemplateStore:
        """Templates, not cached."""
        return self.templates.store

    @property
    def listeners(self) -> TestListeners:
        """Who listens for a test call."""
        return TestListeners(self.database, self.store)
