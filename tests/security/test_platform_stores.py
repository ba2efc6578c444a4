"""The stores below `service/`: credentials and files, called while Postgres thinks that no tenant is set, or another one."""

import inspect
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import psycopg
import pytest

from runtime.platform.credentials import CredentialMissing
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobMissing, BlobStore
from runtime.platform.token_renewals import TokenRenewals
from service.tenants import TenantStore
from tests.security.repositories import Misdirected, is_nothing, snapshot

MINE: Final = "stores-robbed"
OTHER: Final = "stores-robber"
DATA: Final = {"token": "of the robbed"}
FILE: Final = b"file of the robbed"
STORES: Final = (SealedCredentials, BlobStore)
METHODS: Final = [
    (store, name)
    for store in STORES
    for name, each in vars(store).items()
    if not name.startswith("_") and inspect.iscoroutinefunction(each) and "tenant" in inspect.signature(each).parameters
]
REFUSALS: Final = (CredentialMissing, BlobMissing, psycopg.errors.InsufficientPrivilege, psycopg.IntegrityError)


class World:
    """What the tenant has."""

    def __init__(self, settings: Settings, keys: Keyring, version: str, address: str) -> None:
        self.settings, self.keys, self.version, self.address = settings, keys, version, address

    def store(self, kind: type, database: Database) -> Any:
        """Return a store on a pool."""
        return (
            SealedCredentials(database, self.keys)
            if kind is SealedCredentials
            else BlobStore.of(self.settings, database, self.keys)
        )

    def arguments(self, function: Any) -> dict[str, Any]:
        """Return the arguments of a method. Raises KeyError for a parameter that is not known here."""
        known: Mapping[str, Any] = {
            "tenant": MINE, "type_": "t", "name": "n", "data": DATA, "version": self.version, "used_by": f"{MINE}:t:run", "address": self.address,
            "id_": self.address, "references": [self.address], "workflow_ids": [f"{MINE}:t:run"], "seconds": 1.0,
        }  # fmt: skip
        wanted = inspect.signature(function).parameters.values()
        found = {
            each.name: known[each.name]
            for each in wanted
            if each.name != "self" and each.default is inspect.Parameter.empty
        }
        return found | ({"data": FILE} if "used_by" in found and "data" in found else {})


@pytest.fixture(scope="module")
async def world(service: Settings, database: Database, keys: Keyring) -> World:
    """A tenant with a credential and a file, and another one without any."""
    store = TenantStore(database, keys)
    for tenant in (MINE, OTHER):
        await store.create(tenant)
    credentials = SealedCredentials(database, keys)
    await credentials.put(MINE, "t", "n", DATA)
    address = await BlobStore.of(service, database, keys).put(MINE, FILE, used_by=f"{MINE}:t:run")
    return World(service, keys, (await credentials.read(MINE, "t", "n")).version, address)


@pytest.fixture(scope="module")
async def pools(service: Settings, keys: Keyring) -> AsyncIterator[dict[str, Database]]:
    """Pools whose transactions are the attacker's, or nobody's."""
    assert service.database_url is not None
    url = service.database_url.get_secret_value()
    async with Misdirected(url, OTHER, keys) as foreign, Misdirected(url, "", keys) as unset:
        yield {OTHER: foreign, "": unset}


async def _all(database: Database) -> dict[str, str]:
    return await snapshot(database, (MINE, OTHER))


@pytest.mark.parametrize("session", [OTHER, ""], ids=["foreign", "unset"])
@pytest.mark.parametrize(("kind", "name"), METHODS, ids=[f"{kind.__name__}.{name}" for kind, name in METHODS])
async def test_with_another_tenant_or_none_nothing_is_returned_and_nothing_changes(
    world: World, database: Database, pools: dict[str, Database], kind: type, name: str, session: str
) -> None:
    """A refusal is as good as nothing. What is there is still there afterwards."""
    before, method = await _all(database), getattr(world.store(kind, pools[session]), name)
    try:
        result = await method(**world.arguments(getattr(kind, name)))
    except REFUSALS:
        result = None
    assert is_nothing(result), result
    assert await _all(database) == before
    assert await world.store(SealedCredentials, database).get(MINE, "t", "n") == DATA
    assert await world.store(BlobStore, database).get(MINE, world.address) == FILE


@pytest.mark.parametrize("session", [OTHER, ""], ids=["foreign", "unset"])
async def test_a_renewal_of_another_tenants_token_is_not_held(
    pools: dict[str, Database], world: World, database: Database, session: str
) -> None:
    """The row by which one worker renews a token for all."""
    before = await _all(database)
    renewals = TokenRenewals(pools[session], world.store(SealedCredentials, database), dict)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await renewals._hold((MINE, "t", "n"), uuid.uuid4(), world.version)
    assert await _all(database) == before


def test_methods_are_found() -> None:
    assert len(METHODS) >= 12
