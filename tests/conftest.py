"""What tests share: one pair of real servers and one service per test process, two tenants, and the Hypothesis profiles."""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from temporalio.client import Client

from cli.support.proxies import exempt_this_machine
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring, keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from tests.order import in_order
from tests.service import (
    acme,
    anonymous,
    api_keys,
    application,
    dependencies,
    globex,
    loopback,
    operator,
    published,
    worker,
)
from tests.shared_folder import ABSENT, shared_path

# once for all folders: a fixture that each folder imports would be an application, and a projector, for each
__all__ = [
    "acme",
    "anonymous",
    "api_keys",
    "application",
    "dependencies",
    "globex",
    "loopback",
    "operator",
    "published",
    "worker",
]

gc.disable()  # of what collection makes, all stays: looking for garbage in it costs each process seconds
exempt_this_machine(os.environ)
settings.register_profile("quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quick")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes after their parameter: an archive holds the time, and the processes of xdist must agree on names."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files for the processes of xdist."""
    if hasattr(config, "workerinput"):
        items[:] = in_order(items)


def pytest_collection_finish() -> None:
    """Look for garbage in what the tests make, and no more in what collection has made."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded cases and corpora beside the repository."""
    folder = shared_path()
    if folder is None:
        pytest.skip(ABSENT)
    return folder


@pytest.fixture(scope="session")
def state_folder() -> Iterator[Path]:
    """A folder that Postgres' unprivileged user can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="tempor8-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def embedded(state_folder: Path) -> AsyncIterator[EmbeddedProfile]:
    """Temporal and Postgres, migrated, on free ports; state goes with the session."""
    profile = EmbeddedProfile(
        Settings.load({"TEMPOR8_STATE": str(state_folder)}), any_ports=True, durable=False, ui=False
    )
    async with profile:
        yield profile


@pytest.fixture(scope="session")
def service(embedded: EmbeddedProfile) -> Settings:
    """Settings as a worker or an API beside these servers reads them."""
    # no watchdog: a test that computes holds the loop of this process, in which a worker may be at work
    return embedded.settings().model_copy(update={"watchdog_seconds": 0.0})


@pytest.fixture(scope="session")
def keys(service: Settings) -> Keyring:
    """The profile's own keyring."""
    return keyring(service)


@pytest.fixture(scope="session")
async def database(service: Settings, keys: Keyring) -> AsyncIterator[Database]:
    """A pool as the application's role, which row-level security binds."""
    assert service.database_url is not None
    async with Database(service.database_url.get_secret_value(), keys=keys) as opened:
        yield opened


@pytest.fixture(scope="session")
async def tenants(database: Database, keys: Keyring) -> tuple[str, str]:
    """Two tenants with data keys that must never see each other."""
    names = ("acme", "globex")
    for name in names:
        async with database.tenant_transaction(name) as connection:
            await connection.execute("insert into tenants (id, name) values (%s, %s)", (name, name.title()))
        await keys.create(name)
    return names


@pytest.fixture(scope="session")
def blobs(database: Database, keys: Keyring) -> BlobStore:
    """Sealed blobs in Postgres."""
    return BlobStore(database, keys)


@pytest.fixture(scope="session")
async def temporal(service: Settings, keys: Keyring, blobs: BlobStore, tenants: tuple[str, str]) -> Client:
    """A client with the product's converter: orjson, seal, claim check."""
    del tenants  # a claim check belongs to a tenant's row
    return await connect(service, data_converter(service, keys, blobs))
