"""The dependencies of the API, made from the settings, for `serve` and the tests."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from api.dependencies import Dependencies, Probe
from runtime.catalog import CATALOG, upgrade
from runtime.platform.credential_store import credential_store
from runtime.platform.credentials import CredentialStore
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from service.execution_store import ExecutionStore
from service.resume_keys import ResumeLinks
from service.run_templates import RunTemplates
from service.template_cache import TemplateCache
from service.templates import TemplateStore
from service.tenants import TenantStore

if TYPE_CHECKING:
    from runtime.platform.settings import Settings

__all__ = ["open_dependencies"]


@contextlib.asynccontextmanager
async def open_dependencies(settings: "Settings") -> AsyncIterator[Dependencies]:
    """Yield the dependencies. Connections are made when they are first used: a server that is down delays only its use."""
    keys = keyring(settings)
    url = settings.database_url.get_secret_value() if settings.database_url else "postgresql://localhost:5432/tempor8"
    database = Database(url, size=settings.database_pool_size)
    await database.open(wait=False)
    try:
        blobs = BlobStore.of(settings, database, keys)
        credentials = credential_store(settings, database, keys)
        templates = TemplateStore(database, upgrade)
        transient, resources = None, None
        if settings.transient:
            from runtime.expressions.v8 import start as start_scripts
            from runtime.hosts.local.transient import TransientRuns
            from runtime.hosts.temporal.resources import WorkerResources

            CATALOG.load()
            start_scripts()
            resources = WorkerResources.of(settings, database, credentials, blobs)
            transient = TransientRuns(
                CATALOG, resources.capabilities(), RunTemplates(database, templates), ExecutionStore(database)
            )
        yield Dependencies(
            settings=settings,
            temporal=await connect(settings, data_converter(settings, keys, blobs), lazy=True),
            database=database,
            tenants=TenantStore(database, keys),
            templates=TemplateCache(templates),
            transient=transient,
            executions=ExecutionStore(database),
            blobs=blobs,
            credentials=credentials,
            catalog=CATALOG,
            links=ResumeLinks.of_settings(settings, keys),
            probes={"vault": _vault(credentials)} if settings.vault_address else {},
        )
    finally:
        if resources is not None:
            await resources.close()
        await database.close()


def _vault(credentials: CredentialStore) -> Probe:
    async def probe() -> None:
        await credentials.names("health")  # a tenant that need not exist: a list that may be empty is an answer

    return probe
