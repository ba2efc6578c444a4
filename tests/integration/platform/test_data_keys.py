"""Data keys of tenants: random, wrapped, with versions; rotated while processes run, deleted for good."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import hvac
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.data_keys import DataKeyTable, WrappedKey
from runtime.platform.embedded.vault import EmbeddedVault
from runtime.platform.keys import Keyring, Purpose, SealError, keyring, new_master_key
from runtime.platform.postgres import Database, DatabaseUnavailable
from runtime.platform.sealing import key_version
from runtime.platform.settings import Settings
from tests.patience import PATIENCE

PAYLOAD = Purpose.PAYLOAD


@pytest.fixture
async def tenant(database: Database) -> str:
    """A tenant without a data key."""
    name = f"t{uuid.uuid4().hex}"
    async with database.tenant_transaction(name) as connection:
        await connection.execute("insert into tenants (id) values (%s)", (name,))
    return name


async def _loaded(settings: Settings, tenant: str, sealed: bytes = b"") -> Keyring:
    keys = keyring(settings)
    await keys.load(tenant, sealed)
    return keys


async def test_a_data_key_seals_from_its_creation_on_and_derived_seals_still_open(
    service: Settings, tenant: str
) -> None:
    """Version 0 is derived from the master key, as all seals were before there were data keys."""
    keys = await _loaded(service, tenant)
    derived = keys.seal(tenant, PAYLOAD, b"old")
    assert (key_version(derived), await keys.create(tenant)) == (0, 1)
    sealed = keys.seal(tenant, PAYLOAD, b"new")
    other = await _loaded(service, tenant)
    assert key_version(sealed) == 1
    assert (other.open(tenant, PAYLOAD, sealed), other.open(tenant, PAYLOAD, derived)) == (b"new", b"old")


async def test_a_rotation_is_noticed_by_whoever_meets_the_new_version(service: Settings, tenant: str) -> None:
    """Without a restart, and the seals of the old version open."""
    keys, other = await _loaded(service, tenant), await _loaded(service, tenant)
    await keys.create(tenant)
    first = keys.seal(tenant, PAYLOAD, b"1")
    assert await keys.rotate(tenant) == 2
    second = keys.seal(tenant, PAYLOAD, b"2")
    await other.load(tenant, second)
    assert other.version(tenant) == 2
    assert [other.open(tenant, PAYLOAD, each) for each in (first, second)] == [b"1", b"2"]


async def test_processes_that_begin_at_once_agree_on_one_key(service: Settings, tenant: str) -> None:
    rings = [keyring(service) for _ in range(5)]
    assert await asyncio.gather(*(each.create(tenant) for each in rings)) == [1] * 5
    sealed = rings[0].seal(tenant, PAYLOAD, b"x")
    assert all(each.open(tenant, PAYLOAD, sealed) == b"x" for each in rings)


async def test_without_its_rows_nothing_of_a_tenant_opens(service: Settings, database: Database, tenant: str) -> None:
    """Deletion of the keys is deletion of the data, whatever the master key."""
    keys = await _loaded(service, tenant)
    await keys.create(tenant)
    sealed = keys.seal(tenant, PAYLOAD, b"x")
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("delete from tenant_keys where tenant_id = %s", (tenant,))
    later = await _loaded(service, tenant, sealed)
    with pytest.raises(SealError, match="data key 1"):
        later.open(tenant, PAYLOAD, sealed)


async def test_no_key_is_made_for_a_tenant_that_is_deleted_or_unknown(
    service: Settings, database: Database, tenant: str
) -> None:
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("insert into deletions (tenant_id) values (%s)", (tenant,))
    assert await keyring(service).create(tenant) == 0
    assert await keyring(service).create("nobody") == 0


async def test_another_tenant_sees_no_key_and_a_wrapped_key_opens_for_its_own_row_alone(
    service: Settings, database: Database, tenant: str, tenants: tuple[str, str]
) -> None:
    keys = keyring(service)
    await keys.create(tenant)
    async with database.tenant_transaction(tenants[0]) as connection:
        cursor = await connection.execute("select from tenant_keys where tenant_id = %s", (tenant,))
        assert cursor.rowcount == 0
    async with database.tenant_transaction(tenant) as connection:  # version 1 poses as version 2
        await connection.execute(
            "insert into tenant_keys (tenant_id, version, wrapped)"
            " select tenant_id, 2, wrapped from tenant_keys where tenant_id = %s",
            (tenant,),
        )
    with pytest.raises(SealError, match="has another key"):
        await keyring(service).load(tenant)


async def test_a_seal_opens_in_its_place_alone(service: Settings, tenant: str) -> None:
    keys = keyring(service)
    await keys.create(tenant)
    for same in (False, True):
        sealed = keys.seal(tenant, PAYLOAD, b"x", deterministic=same, place=b"a")
        assert keys.open(tenant, PAYLOAD, sealed, place=b"a") == b"x"
        for place in (b"", b"b"):
            with pytest.raises(SealError):
                keys.open(tenant, PAYLOAD, sealed, place=place)


async def test_a_new_master_key_wraps_again_and_the_retired_one_may_go(service: Settings, tenant: str) -> None:
    old, new = new_master_key(), new_master_key()

    def settings(*keys: str) -> Settings:
        change = {"TEMPOR8_MASTER_KEY": keys[0], "TEMPOR8_RETIRED_MASTER_KEYS": ",".join(keys[1:])}
        return Settings.model_validate(service.model_dump(by_alias=False) | {}).model_copy(
            update={
                "master_key": Settings.load(change).master_key,
                "retired_master_keys": Settings.load(change).retired_master_keys,
            }
        )

    keys = keyring(settings(old))
    await keys.create(tenant)
    sealed = keys.seal(tenant, PAYLOAD, b"x")
    assert await keyring(settings(new, old)).wrap_again(tenant) == 1
    assert (await _loaded(settings(new), tenant)).open(tenant, PAYLOAD, sealed) == b"x"
    with pytest.raises(SealError):
        await keyring(settings(old)).load(tenant)


@pytest.fixture(scope="module")
async def transit(state_folder: Path) -> AsyncIterator[EmbeddedVault]:
    """A Vault with a key `tempor8` in its transit engine."""
    server = EmbeddedVault(state_folder / "transit")
    await server.start()
    admin = hvac.Client(url=server.address, token=server.token)
    admin.sys.enable_secrets_engine("transit")
    admin.secrets.transit.create_key("tempor8")  # type: ignore[no-untyped-call]  # hvac has none here
    yield server
    await server.stop()


async def test_vault_wraps_and_a_copy_of_the_database_with_the_master_key_opens_nothing(
    service: Settings, transit: EmbeddedVault, tenant: str
) -> None:
    """Keys that the master key wrapped before still open, and are wrapped again on request."""
    before = keyring(service)
    await before.create(tenant)
    old = before.seal(tenant, PAYLOAD, b"old")
    vault = Settings.load(
        {"VAULT_ADDR": transit.address, "VAULT_TOKEN": transit.token, "TEMPOR8_VAULT_TRANSIT_KEY": "tempor8"}
    )
    settings = service.model_copy(
        update={name: getattr(vault, name) for name in ("vault_address", "vault_token", "vault_transit_key")}
    )
    keys = await _loaded(settings, tenant)
    assert await keys.rotate(tenant) == 2
    new = keys.seal(tenant, PAYLOAD, b"new")
    assert await keys.wrap_again(tenant) == 2
    again = await _loaded(settings, tenant)
    assert (again.open(tenant, PAYLOAD, old), again.open(tenant, PAYLOAD, new)) == (b"old", b"new")
    with pytest.raises(SealError, match="TEMPOR8_VAULT_TRANSIT_KEY"):
        await keyring(service).load(tenant)
    wrong = settings.model_copy(update={"vault_transit_key": "another"})
    with pytest.raises(CredentialsUnavailable, match="transit/decrypt/another") as refused:
        await keyring(wrong).load(tenant)
    assert transit.token not in str(refused.value)


TRANSIT_POLICY = """
path "transit/encrypt/tempor8" { capabilities = ["update"] }
path "transit/decrypt/tempor8" { capabilities = ["update"] }
"""


@pytest.mark.parametrize("role", ["tempor8-{tenant}", "tempor8-shared"], ids=["a role per tenant", "one role"])
async def test_vault_wraps_for_whoever_logs_in_as_for_credentials(
    service: Settings, transit: EmbeddedVault, tenant: str, tmp_path: Path, role: str
) -> None:
    """By JSON web token, at a mount of another name, and with a role of the tenant: the login of credentials is the one of keys."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    mount = f"tokens-{uuid.uuid4().hex}"

    def prepare() -> None:
        admin = hvac.Client(url=transit.address, token=transit.token)
        admin.sys.create_or_update_policy("transit", TRANSIT_POLICY)
        admin.sys.enable_auth_method("jwt", path=mount)
        admin.write_data(f"auth/{mount}/config", data={"jwt_validation_pubkeys": [public.decode()]})
        options = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": ["transit"]}
        admin.write_data(f"auth/{mount}/role/{role.replace('{tenant}', tenant)}", data=options)

    await asyncio.to_thread(prepare)
    file, now = tmp_path / "token", int(time.time())
    claims = {"sub": "tempor8", "aud": "vault", "iat": now, "exp": now + 600}
    file.write_text(jwt.encode({"alg": "ES256"}, claims, ECKey.import_key(pem)) + "\n")
    vault = Settings.load(
        {
            "VAULT_ADDR": transit.address, "VAULT_JWT_ROLE": role, "VAULT_JWT_FILE": str(file), "VAULT_AUTH_MOUNT": mount,
            "TEMPOR8_VAULT_TRANSIT_KEY": "tempor8",
        }
    )  # fmt: skip
    settings = service.model_copy(
        update={name: getattr(vault, name) for name in vault.model_fields_set if name.startswith("vault_")}
    )
    keys = keyring(settings)
    assert await keys.create(tenant) == 1
    sealed = keys.seal(tenant, PAYLOAD, b"x")
    assert (await _loaded(settings, tenant)).open(tenant, PAYLOAD, sealed) == b"x"
    if "{tenant}" in role:  # no other role may pose as the tenant's
        with pytest.raises(CredentialsUnavailable):
            await keys.create("globex")


async def test_keys_in_memory_are_used_while_postgres_is_away(
    service: Settings, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read again in the background, and nobody waits for it; only who never had them does."""
    keys = await _loaded(service, tenant)
    await keys.create(tenant)
    sealed = keys.seal(tenant, PAYLOAD, b"x")
    stranger, asked = keyring(service), asyncio.Event()

    async def away(self: DataKeyTable, tenant: str) -> list[WrappedKey]:
        del self, tenant
        asked.set()
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(DataKeyTable, "read", away)
    monkeypatch.setattr(keys, "_loaded_until", {})
    await keys.load(tenant, sealed)
    assert not asked.is_set()  # it did not wait
    await asyncio.wait_for(asked.wait(), PATIENCE)
    assert keys.open(tenant, PAYLOAD, sealed) == b"x"
    for _ in range(2):  # that they could not be read is never taken for "there are none"
        with pytest.raises(DatabaseUnavailable):
            await stranger.load(tenant)
