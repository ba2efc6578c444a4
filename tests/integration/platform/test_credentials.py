"""Both credential stores behind one contract: the sealed table, and Vault KV v2 on a real OpenBao."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import hvac
import pytest

from runtime.platform.credential_store import credential_store
from runtime.platform.credentials import CredentialMissing, CredentialStore, CredentialsUnavailable
from runtime.platform.embedded.vault import EmbeddedVault
from runtime.platform.keys import Keyring, SealError, new_master_key
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.settings import Settings
from runtime.platform.vault import VaultCredentials

POLICY = """
path "secret/data/tenants/acme/credentials/*" { capabilities = ["create", "read", "update", "delete"] }
path "secret/metadata/tenants/acme/credentials/*" { capabilities = ["read", "list", "delete"] }
path "secret/metadata/tenants/acme/credentials" { capabilities = ["list"] }
"""


@pytest.fixture(scope="session")
async def bao(state_folder: Path) -> AsyncIterator[EmbeddedVault]:
    server = EmbeddedVault(state_folder)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["sealed", "vault"])
def store(request: pytest.FixtureRequest, database: Database, keys: Keyring, bao: EmbeddedVault) -> CredentialStore:
    if request.param == "sealed":
        return SealedCredentials(database, keys)
    return VaultCredentials(bao.address, token=bao.token)


NAMES = ["HubSpot account", "Wert/mit Schrägstrich", "..", "~", " outer ", "名前 🔑", "a?b#c%2F", "a~20~b"]


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_put_comes_back_under_any_name(
    store: CredentialStore, tenants: tuple[str, str], name: str
) -> None:
    secret = {"apiKey": secrets.token_hex(8), "nested": {"n": 1}, "ü": "ß"}
    await store.put(tenants[0], "someApi", name, secret)
    assert await store.get(tenants[0], "someApi", name) == secret
    assert ("someApi", name) in await store.names(tenants[0])
    await store.put(tenants[0], "someApi", name, {"apiKey": "new"})
    assert await store.get(tenants[0], "someApi", name) == {"apiKey": "new"}
    await store.delete(tenants[0], "someApi", name)
    with pytest.raises(CredentialMissing):
        await store.get(tenants[0], "someApi", name)


async def test_another_tenant_has_nothing(store: CredentialStore, tenants: tuple[str, str]) -> None:
    await store.put(tenants[0], "someApi", "mine", {"apiKey": "k"})
    assert await store.names(tenants[1]) == []
    for act in (store.get, store.delete):
        with pytest.raises(CredentialMissing, match="tenant globex has no credential 'mine' of type someApi"):
            await act(tenants[1], "someApi", "mine")
    for name in (f"../../{tenants[0]}/credentials/someApi/mine", f"../../../{tenants[0]}/credentials/someApi/mine"):
        with pytest.raises(CredentialMissing):
            await store.get(tenants[1], "someApi", name)
    assert await store.get(tenants[0], "someApi", "mine") == {"apiKey": "k"}


async def test_a_row_moved_to_another_tenant_does_not_open(
    database: Database, keys: Keyring, tenants: tuple[str, str]
) -> None:
    store = SealedCredentials(database, keys)
    await store.put(tenants[0], "someApi", "moved", {"apiKey": "k"})
    async with database.tenant_transaction(tenants[0]) as connection:
        row = await (await connection.execute("select sealed from credentials where name = 'moved'")).fetchone()
    assert row is not None
    async with database.tenant_transaction(tenants[1]) as connection:
        await connection.execute(
            "insert into credentials (tenant_id, type, name, sealed) values (%s, 'someApi', 'moved', %s)",
            (tenants[1], row["sealed"]),
        )
    with pytest.raises(SealError):
        await store.get(tenants[1], "someApi", "moved")


async def test_an_approle_with_a_tenants_policy_reaches_that_tenant_only(bao: EmbeddedVault) -> None:
    def prepare() -> tuple[str, str]:
        admin = hvac.Client(url=bao.address, token=bao.token)
        admin.sys.create_or_update_policy("acme", POLICY)
        admin.sys.enable_auth_method("approle")
        admin.auth.approle.create_or_update_approle("worker", token_policies=["acme"], token_ttl="1s")
        role = admin.auth.approle.read_role_id("worker")["data"]["role_id"]
        return role, admin.auth.approle.generate_secret_id("worker")["data"]["secret_id"]

    store = VaultCredentials(bao.address, role=await asyncio.to_thread(prepare))
    await store.put("acme", "someApi", "by role", {"apiKey": "k"})
    with pytest.raises(CredentialsUnavailable, match="Forbidden"):
        await store.get("globex", "someApi", "by role")
    await asyncio.sleep(1.5)  # the token's time is over: the store logs in again by itself
    assert await store.get("acme", "someApi", "by role") == {"apiKey": "k"}


async def test_a_vault_that_does_not_answer_is_named_without_its_token(database: Database, keys: Keyring) -> None:
    settings = Settings.load({"VAULT_URL": "http://127.0.0.1:1", "VAULT_TOKEN": "hvs.canary"})
    store = credential_store(settings, database, keys)
    with pytest.raises(CredentialsUnavailable, match=r"Vault at http://127\.0\.0\.1:1") as failed:
        await store.get("acme", "someApi", "x")
    assert "canary" not in str(failed.value)
    assert failed.value.__cause__ is None


async def test_vault_without_a_way_to_log_in_is_an_error_at_start(database: Database, keys: Keyring) -> None:
    with pytest.raises(CredentialsUnavailable, match="VAULT_ROLE_ID"):
        credential_store(Settings.load({"VAULT_ADDR": "http://127.0.0.1:8200"}), database, keys)
    assert isinstance(credential_store(Settings.load({}), database, keys), SealedCredentials)


async def test_a_credential_needs_the_master_key_that_sealed_it(
    database: Database, keys: Keyring, tenants: tuple[str, str]
) -> None:
    await SealedCredentials(database, keys).put(tenants[0], "someApi", "old key", {"apiKey": "k"})
    with pytest.raises(SealError, match="neither current nor retired"):
        await SealedCredentials(database, Keyring([new_master_key()])).get(tenants[0], "someApi", "old key")
