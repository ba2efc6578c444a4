"""The dependencies of the application: the servers that it uses, the catalogue, and the children that compile."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from temporalio.client import Client

from runtime.confinement.walls import Wall
from runtime.platform.credentials import CredentialStore
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from schemas.node import Catalog
from service.account_connector import AccountConnector
from service.account_links import AccountLinks
from service.audit import AuditLog
from service.background_loops import BackgroundLoops
from service.compiling import CompilePool
from service.console_sessions import Sessions
from service.execution_store import ExecutionStore
from service.resume_keys import ResumeLinks
from service.row_observers import RowObservers
from service.run_archive import RunArchive
from service.run_failures import FailureStore
from service.run_start import Transient
from service.shutdown import Shutdown
from service.start_keys import StartKeys
from service.started_runs import StartedRuns
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
    """For authentication and starts: nothing that may take long."""
    background: Database
    """For the projector, the scheduler and the collector."""
    tenants: TenantStore
    audit: AuditLog
    templates: TemplateCache
    executions: ExecutionStore
    failures: FailureStore
    blobs: BlobStore
    credentials: CredentialStore
    accounts: AccountConnector
    account_links: AccountLinks
    sessions: Sessions
    """Of people in the console."""
    catalog: Catalog
    compiler: CompilePool
    links: ResumeLinks
    archive: RunArchive
    start_keys: StartKeys
    started_runs: StartedRuns
    """Rows of runs that this process has just started."""
    transient: Transient | None = None
    """Where transient templates run in this process; None: they run durably, as all others do."""
    walls: tuple[Wall, ...] = ()
    """Around children of this process that run what authors wrote, as they were tried at its start."""
    probes: Mapping[str, Probe] = field(default_factory=dict)
    loops: BackgroundLoops = field(default_factory=BackgroundLoops)
    """What this process does beside requests."""
    observers: RowObservers = field(default_factory=RowObservers)
    """Shown the rows that this process writes."""
    shutdown: Shutdown = field(default_factory=Shutdown)
    """The end of this process, for those who wait in it."""

    @property
    def store(self) -> TemplateStore:
        """Return the store of templates, which is not cached."""
        return self.templates.store

    @property
    def listeners(self) -> TestListeners:
        """Return the templates that listen for a test call."""
        return TestListeners(self.database, self.store)
