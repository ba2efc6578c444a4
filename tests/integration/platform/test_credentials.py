"""Both credential stores behind one contract: the sealed table, and Vault KV v2 on a real OpenBao."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import hvac
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from runtime.platform.credential_store import credential_store
from runtime.platform.credentials import CredentialMissing, CredentialStore, CredentialsUnavailable
from runtime.platform.embedded.vault import EmbeddedVault
from runtime.platform.keys import Keyring, SealError, new_master_key
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.settings import Settings
from runtime.platform.vault_client import VaultClients, VaultLogin
from runtime.platform.vault_credentials import VaultCredentials

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
    return VaultCredentials(VaultClients(bao.address, token=bao.token))


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

    role, secret = await asyncio.to_thread(prepare)
    store = VaultCredentials(VaultClients(bao.address, login=VaultLogin("approle", role, lambda: secret)))
    await store.put("acme", "someApi", "by role", {"apiKey": "k"})
    with pytest.raises(CredentialsUnavailable, match="Forbidden"):
        await store.get("globex", "someApi", "by role")
    await asyncio.sleep(1.5)  # the token's time is over: the store logs in again by itself
    assert await store.get("acme", "someApi", "by role") == {"apiKey": "k"}


TENANT_POLICY = """
path "secret/data/tenants/{tenant}/credentials/*" {{ capabilities = ["create", "read", "update", "delete"] }}
path "secret/metadata/tenants/{tenant}/credentials/*" {{ capabilities = ["read", "list", "delete"] }}
path "secret/metadata/tenants/{tenant}/credentials" {{ capabilities = ["list"] }}
"""
"""As docs/deployment.md has it."""


def roles_of_tenants(bao: EmbeddedVault, method: str, options: dict[str, Any]) -> hvac.Client:
    """Make policy and role of acme and globex under an auth method."""
    admin = hvac.Client(url=bao.address, token=bao.token)
    admin.sys.enable_auth_method(method)
    for tenant in ("acme", "globex"):
        admin.sys.create_or_update_policy(f"tempor8-{tenant}", TENANT_POLICY.format(tenant=tenant))
        role = {"token_policies": [f"tempor8-{tenant}"], "token_ttl": "1m"} | options
        admin.write_data(f"auth/{method}/role/tempor8-{tenant}", data=role)
    return admin


async def reaches_one_tenant_by_each_role(store: VaultCredentials, bao: EmbeddedVault) -> None:
    """Each tenant's credentials come by its own role, and the token of one opens nothing of another."""
    for tenant in ("acme", "globex"):
        await store.put(tenant, "someApi", "own", {"apiKey": tenant})
        assert await store.get(tenant, "someApi", "own") == {"apiKey": tenant}
        assert await store.names(tenant) != []
    await store.check()
    token = store._clients._clients["acme"].token
    with pytest.raises(CredentialsUnavailable, match="Forbidden"):
        await VaultCredentials(VaultClients(bao.address, token=token)).get("globex", "someApi", "own")
    with pytest.raises(CredentialsUnavailable):  # a tenant without a role
        await store.get("initech", "someApi", "own")


async def test_each_tenant_has_a_role_of_its_own_by_json_web_token(bao: EmbeddedVault, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def prepare() -> None:
        options = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "bound_subject": "tempor8"}
        admin = roles_of_tenants(bao, "jwt", options)
        admin.write_data("auth/jwt/config", data={"jwt_validation_pubkeys": [public.decode()]})

    await asyncio.to_thread(prepare)
    now, file = int(time.time()), tmp_path / "token"
    claims = {"sub": "tempor8", "aud": "vault", "iat": now, "exp": now + 600}
    file.write_text(jwt.encode({"alg": "ES256"}, claims, ECKey.import_key(pem)) + "\n")
    settings = {"VAULT_ADDR": bao.address, "VAULT_JWT_ROLE": "tempor8-{tenant}", "VAULT_JWT_FILE": str(file)}
    await reaches_one_tenant_by_each_role(configured(settings), bao)


async def test_each_tenant_has_a_role_of_its_own_by_kubernetes(bao: EmbeddedVault, tmp_path: Path) -> None:
    reviews: list[str] = []

    async def review(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as the API server of Kubernetes does that knows this one token."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:"))
        token = json.loads(await reader.readexactly(length))["spec"]["token"]
        reviews.append(head.split(" ")[1])
        user = {"username": "system:serviceaccount:prod:tempor8", "uid": "1", "groups": []}
        status = {"authenticated": token == service_account, "user": user}
        body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status})
        writer.write(
            f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(review, "127.0.0.1", 0)
    host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    now, file = int(time.time()), tmp_path / "token"
    account = {"name": "tempor8", "uid": "1"}
    claims = {
        "sub": "system:serviceaccount:prod:tempor8", "iat": now, "nbf": now - 5, "exp": now + 600,
        "kubernetes.io": {"namespace": "prod", "serviceaccount": account},
    }  # fmt: skip
    service_account = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key())
    file.write_text(service_account)

    def prepare() -> None:
        options = {"bound_service_account_names": ["tempor8"], "bound_service_account_namespaces": ["prod"]}
        admin = roles_of_tenants(bao, "kubernetes", options)
        config = {
            "kubernetes_host": host,
            "disable_local_ca_jwt": True,
            "token_reviewer_jwt": service_account,
            "kubernetes_ca_cert": authority(),
        }
        admin.write_data("auth/kubernetes/config", data=config)

    settings = {
        "VAULT_ADDR": bao.address,
        "VAULT_KUBERNETES_ROLE": "tempor8-{tenant}",
        "VAULT_KUBERNETES_TOKEN_FILE": str(file),
    }
    async with server:
        await asyncio.to_thread(prepare)
        await reaches_one_tenant_by_each_role(configured(settings), bao)
    assert set(reviews) == {"/apis/authentication.k8s.io/v1/tokenreviews"}


def authority() -> str:
    """Return the certificate of an authority that signs nothing: the server of the test speaks plain HTTP."""
    key, began = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=1)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    serial, ends = x509.random_serial_number(), began + timedelta(days=2)
    built = x509.CertificateBuilder(name, name, key.public_key(), serial, began, ends).sign(key, hashes.SHA256())
    return built.public_bytes(serialization.Encoding.PEM).decode()


def configured(settings: dict[str, str]) -> VaultCredentials:
    """Return the store that these settings name; it needs neither database nor keys."""
    store = credential_store(Settings.load(settings), cast("Database", None), cast("Keyring", None))
    assert isinstance(store, VaultCredentials)
    return store


CHECKED_LOGINS: list[tuple[str, dict[str, str]]] = [
    ("by a token", {}),
    ("by roles of tenants", {"VAULT_TOKEN": "", "VAULT_ROLE_ID": "tempor8-{tenant}", "VAULT_SECRET_ID": "s"}),
]


@pytest.mark.parametrize("login", [login for _, login in CHECKED_LOGINS], ids=[name for name, _ in CHECKED_LOGINS])
async def test_the_check_tells_a_vault_that_is_sealed_or_not_there(state_folder: Path, login: dict[str, str]) -> None:
    """Whatever the token may do: where each tenant has a role, there is no token that could list anything."""
    server = EmbeddedVault(state_folder / secrets.token_hex(4))
    await server.start()
    store = configured({"VAULT_ADDR": server.address, "VAULT_TOKEN": server.token} | login)
    await store.check()
    await asyncio.to_thread(hvac.Client(url=server.address, token=server.token).sys.seal)
    with pytest.raises(CredentialsUnavailable, match=r"is sealed|VaultDown"):
        await store.check()
    await server.stop()
    with pytest.raises(CredentialsUnavailable, match="ConnectionError"):
        await store.check()


async def test_an_engine_that_is_not_mounted_is_no_empty_store(bao: EmbeddedVault) -> None:
    """Neither for a look-up nor for the check of health: a wrong VAULT_MOUNT is told."""
    store = configured({"VAULT_ADDR": bao.address, "VAULT_TOKEN": bao.token, "VAULT_MOUNT": "nowhere"})
    for call in (store.check(), store.get("acme", "someApi", "x"), store.put("acme", "someApi", "x", {})):
        with pytest.raises(CredentialsUnavailable, match=r"no engine at that mount.*VAULT_MOUNT"):
            await call


WRONG_LOGINS = [
    ({"VAULT_JWT_ROLE": "r"}, "VAULT_JWT_FILE"),
    ({"VAULT_KUBERNETES_ROLE": "r", "VAULT_ROLE_ID": "i"}, "one way to log in"),
]


@pytest.mark.parametrize(("settings", "why"), WRONG_LOGINS)
def test_a_login_that_is_not_clear_is_an_error_at_start(settings: dict[str, str], why: str) -> None:
    with pytest.raises(CredentialsUnavailable, match=why):
        configured({"VAULT_ADDR": "http://127.0.0.1:1"} | settings)


async def test_a_token_file_that_is_not_there_is_named_without_its_content(tmp_path: Path) -> None:
    store = configured(
        {"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_JWT_ROLE": "r", "VAULT_JWT_FILE": str(tmp_path / "no")}
    )
    with pytest.raises(CredentialsUnavailable, match="FileNotFoundError"):
        await store.get("acme", "someApi", "x")


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
    with pytest.raises(SealError, match="is not here"):
        await SealedCredentials(database, Keyring([new_master_key()])).get(tenants[0], "someApi", "old key")
