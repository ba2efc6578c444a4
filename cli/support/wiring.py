"""The dependencies of the API, made from the settings, for `serve` and the tests."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from api.dependencies import Dependencies, Probe
from runtime.catalog import CATALOG, upgrade
from runtime.hosts.accounts import Accounts
from runtime.platform.credential_store import credential_store
from runtime.platform.credentials import CredentialStore
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from service.account_links import AccountLinks
from service.audit import AuditLog
from service.compiling import CompilePool
from service.console_sessions import Sessions
from service.execution_store import ExecutionStore
from service.resume_keys import ResumeLinks
from service.row_observers import RowObservers
from service.run_archive import RunArchive
from service.run_failures import FailureStore
from service.run_reader import TemporalRuns
from service.run_templates import RunTemplates
from service.start_keys import StartKeys
from service.started_runs import StartedRuns
from service.template_cache import TemplateCache
from service.templates import TemplateStore
from service.tenants import TenantStore

if TYPE_CHECKING:
    from runtime.confinement.walls import Wall
    from runtime.platform.settings import Settings

__all__ = ["open_dependencies"]

START_STATEMENT_SECONDS: Final = 8.0
"""Seconds that a statement of authentication, a start or a publication may take."""
BACKGROUND_CONNECTIONS: Final = 4
BACKGROUND_STATEMENT_SECONDS: Final = 120.0
"""Seconds that a statement of the projector, the scheduler or the collector may take."""

COMPILER: Final = (sys.executable, "-I", "-m", "cli.support.compile_child", "60", "1024")
"""The child that compiles uploads: it ends itself after so many seconds, and gets so many megabytes."""


@contextlib.asynccontextmanager
async def open_dependencies(settings: "Settings", walls: "tuple[Wall, ...]" = ()) -> AsyncIterator[Dependencies]:
    """Yield the dependencies. `walls`: around children of this process, for the health check.

    Connections are made when they are first used: a server that is down delays only its use.
    """
    keys = keyring(settings)
    url = settings.database_url.get_secret_value() if settings.database_url else "postgresql://localhost:5432/tempor8"
    # separate pools: no report of one tenant, and no loop, takes the connection that another tenant's start needs
    database = Database(url, size=settings.database_pool_size, statement_timeout=START_STATEMENT_SECONDS, keys=keys)
    reads = Database(
        url,
        size=settings.database_read_pool_size,
        statement_timeout=settings.read_timeout,
        per_tenant=settings.reads_per_tenant,
        keys=keys,
    )
    background = Database(url, size=BACKGROUND_CONNECTIONS, statement_timeout=BACKGROUND_STATEMENT_SECONDS, keys=keys)
    pools = (database, reads, background)
    await asyncio.gather(*(pool.open(wait=False) for pool in pools))
    compiler, accounts = CompilePool(COMPILER), None
    try:
        blobs = BlobStore.of(settings, database, keys)
        credentials = credential_store(settings, database, keys)
        accounts = Accounts.of(settings, database, credentials)
        templates = TemplateStore(database, upgrade)
        transient, resources, observers = None, None, RowObservers()
        if settings.transient:
            from runtime.expressions.v8 import start as start_scripts
            from runtime.hosts.local.transient import TransientRuns
            from runtime.hosts.temporal.resources import WorkerResources

            CATALOG.load()
            start_scripts()
            resources = WorkerResources.of(settings, database, credentials, blobs)
            transient = TransientRuns(
                CATALOG,
                resources.capabilities(),
                RunTemplates(database, templates),
                ExecutionStore(background),
                observers,
            )
        temporal = await connect(settings, data_converter(settings, keys, blobs), lazy=True)
        yield Dependencies(
            settings=settings,
            temporal=temporal,
            database=database,
            tenants=TenantStore(database, keys),
            audit=AuditLog(database, timedelta(days=settings.audit_days)),
            templates=TemplateCache(templates, max_bytes=settings.template_cache),
            transient=transient,
            background=background,
            executions=ExecutionStore(reads),
            failures=FailureStore(reads),
            blobs=blobs,
            credentials=credentials,
            accounts=accounts,
            account_links=AccountLinks.of_settings(settings, keys),
            sessions=Sessions(keys),
            catalog=CATALOG,
            compiler=compiler,
            links=ResumeLinks.of_settings(settings, keys),
            archive=RunArchive(database, keys, TemporalRuns(temporal)),
            start_keys=StartKeys(database, keys),
            started_runs=StartedRuns(ExecutionStore(background)),
            walls=walls,
            observers=observers,
            probes={"vault": _vault(credentials)} if settings.vault_address else {},
        )
    finally:
        if resources is not None:
            await resources.close()
        if accounts is not None:
            await accounts.close()
        await compiler.close()
        await asyncio.gather(*(pool.close() for pool in pools))


def _vault(credentials: CredentialStore) -> Probe:
    async def probe() -> None:
        await credentials.check()

    return probe
