"""What the application is wired with: the servers it talks to, and the catalogue that the compiler needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from temporalio.client import Client

from runtime.platform.credentials import CredentialStore
from runtime.platform.executions import ExecutionStore
from runtime.platform.postgres import Database
from runtime.platform.resume_links import ResumeLinks
from runtime.platform.settings import Settings
from runtime.platform.storage import BlobStore
from runtime.platform.templates import TemplateCache, TemplateStore
from runtime.platform.tenants import TenantStore
from schemas.node import Catalog

__all__ = ["Ports", "Probe"]

Probe = Callable[[], Awaitable[None]]
"""Raises when what it looks at is down."""


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
    probes: Mapping[str, Probe] = field(default_factory=dict)

    @property
    def store(self) -> TemplateStore:
        """Templates, not cached."""
        return self.templates.store
