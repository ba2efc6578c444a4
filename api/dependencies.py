"""The dependencies of the application: the servers that it uses, and the catalogue that the compiler needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from temporalio.client import Client

from runtime.platform.credentials import CredentialStore
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from schemas.node import Catalog
from service.execution_store import ExecutionStore
from service.resume_keys import ResumeLinks
from service.run_start import Transient
from service.template_cache import TemplateCache
from service.templates import TemplateStore
from service.tenants import TenantStore
from service.test_listeners import TestListeners

__all__ = ["Dependencies", "Probe"]

Probe = Callable[[], Awaitable[None]]
"""Raises when the server that it asks is down."""


@dataclass(frozen=True)
class Dependencies:
    """Everything that the application uses. `probes` are further servers for the health check, by name (`vault`)."""

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
        """Return the store of templates, which is not cached."""
        return self.templates.store

    @property
    def listeners(self) -> TestListeners:
        """Return the templates that listen for a test call."""
        return TestListeners(self.database, self.store)
