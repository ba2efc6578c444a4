"""`tempor8 credentials` on a real database: hosts that are set, kept, imported and allowed, and uses that are listed."""

import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runtime.http.credential_hosts import Binding, binding
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.sealing import key_version
from service.credential_uses import CredentialUse, CredentialUses

SEALED = "U2FsdGVkX18IvoNo6ChYvH71KJcvhozG7STX06knAQKYpzP4vLtOL5X0WSwyfB/H"
"""{"accessToken":"t0p s3cret ü"}, sealed by openssl with the key `n8n-test-key`."""
TENANT = "acme"


@pytest.fixture
def store(database: Database, keys: Keyring, tenants: tuple[str, str]) -> SealedCredentials:
    """The sealed table, which has the tenant."""
    assert tenants[0] == TENANT
    return SealedCredentials(database, keys)


@pytest.fixture
def environment(embedded: EmbeddedProfile) -> dict[str, str]:
    """What a process of ours sees."""
    return {**os.environ, **embedded.environment()}


def verb(environment: dict[str, str], *arguments: str, code: int = 0, text: str = "") -> str:
    """Return what `tempor8 credentials` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "credentials", *arguments],
        env=environment, capture_output=True, text=True, input=text, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == code, f"{done.returncode}: {done.stdout} {done.stderr}"
    return done.stdout if code == 0 else done.stderr


async def bound(store: SealedCredentials, type_: str, name: str, *constants: str) -> list[str]:
    """Return the hosts of a credential for a node whose author chose the address."""
    of: Binding = binding(TENANT, type_, name, await store.get(TENANT, type_, name), constants, restricted=True)
    return [str(each) for each in of.patterns]


async def test_hosts_are_set_kept_and_allowed(environment: dict[str, str], store: SealedCredentials) -> None:
    """Beside constant ones of the workflow, until they are to be the only ones."""
    where = (TENANT, "httpHeaderAuth", "shop")
    fields = json.dumps({"name": "X-Key", "value": "v"})
    verb(environment, "set", *where, "--host", "api.shop.example", text=fields)
    assert await bound(store, *where[1:], "constant.example") == ["api.shop.example", "constant.example"]
    verb(environment, "set", *where, text=fields)  # a new value, and the hosts stay
    assert await bound(store, *where[1:]) == ["api.shop.example"]
    shown = verb(environment, "allow", *where, "*.cdn.example", "10.0.0.1:8080")
    assert shown.split() == ["*.cdn.example", "10.0.0.1:8080", "api.shop.example"]
    assert "not a host" in verb(environment, "allow", *where, "not a host", code=2)
    verb(environment, "allow", *where, "--only", "only.example")
    assert await bound(store, *where[1:], "constant.example") == ["only.example"]
    assert "has no credential" in verb(environment, "allow", TENANT, "httpHeaderAuth", "other", "x.example", code=1)


IMPORTED: list[dict[str, Any]] = [
    {"type": "httpBearerAuth", "name": "all", "data": {"token": "t", "allowedHttpRequestDomains": "all"}},
    {"type": "httpBearerAuth", "name": "old", "data": {"token": "t"}},
    {
        "type": "httpBearerAuth", "name": "star",
        "data": {"token": "t", "allowedHttpRequestDomains": "domains", "allowedDomains": "*"},
    },
    {
        "type": "httpBearerAuth", "name": "bound",
        "data": {"token": "t", "allowedHttpRequestDomains": "domains", "allowedDomains": "a.example, *.b.example"},
    },
    {"type": "httpBearerAuth", "name": "none", "data": {"token": "t", "allowedHttpRequestDomains": "none"}},
]  # fmt: skip


@pytest.mark.parametrize("confirmed", [False, True])
async def test_an_import_keeps_restrictions_and_all_domains_only_when_that_is_confirmed(
    environment: dict[str, str], store: SealedCredentials, confirmed: bool
) -> None:
    option = ["--allow-all-domains"] if confirmed else []
    verb(environment, "import", TENANT, "-", *option, text=json.dumps(IMPORTED))
    free = ["*", "constant.example"] if confirmed else ["constant.example"]
    for name, hosts in {
        "all": free,
        "old": free,
        "star": free,
        "bound": ["a.example", "*.b.example"],
        "none": [],
    }.items():
        assert await bound(store, "httpBearerAuth", name, "constant.example") == hosts


ALLOWED_BEFORE: list[tuple[str, list[str], dict[str, str], list[str], list[str]]] = [
    ("hosts that were allowed stay", ["x.example"], {}, [], ["constant.example", "x.example"]),
    ("a restriction of here stays", ["--only", "x.example"], {}, [], ["x.example"]),
    (
        "n8n's hosts and those allowed here are its only ones", ["x.example"],
        {"allowedHttpRequestDomains": "domains", "allowedDomains": "a.example"}, [], ["a.example", "x.example"],
    ),
    (
        "what n8n restricts does not go to every host any more", ["*"],
        {"allowedHttpRequestDomains": "domains", "allowedDomains": "a.example"}, [], ["a.example"],
    ),
    ("what n8n keeps out of requests stays out", ["x.example"], {"allowedHttpRequestDomains": "none"}, [], []),
    ("every host is what this import confirms", ["--only", "x.example"], {}, ["--allow-all-domains"], ["*", "constant.example"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("allowed", "says", "options", "hosts"),
    [case[1:] for case in ALLOWED_BEFORE],
    ids=[case[0] for case in ALLOWED_BEFORE],
)
async def test_what_an_owner_allowed_outlives_another_import(
    environment: dict[str, str],
    store: SealedCredentials,
    allowed: list[str],
    says: dict[str, str],
    options: list[str],
    hosts: list[str],
) -> None:
    where = (TENANT, "httpBearerAuth", f"again {uuid.uuid4().hex}")

    def export(token: str) -> str:
        data = {"token": token, "allowedHttpRequestDomains": "all"} | (says if token == "new" else {})
        return json.dumps([{"type": where[1], "name": where[2], "data": data}])

    verb(environment, "import", TENANT, "-", text=export("old"))
    verb(environment, "allow", *where, *allowed)
    verb(environment, "import", TENANT, "-", *options, text=export("new"))
    assert (await store.get(*where))["token"] == "new"
    assert sorted(await bound(store, *where[1:], "constant.example")) == sorted(hosts)


async def test_the_embedded_database_and_its_keys_are_found_without_its_address(
    embedded: EmbeddedProfile, database: Database, keys: Keyring, tenants: tuple[str, str]
) -> None:
    """As beside `tempor8 dev`: what is set is sealed with the tenant's data key, and what it sealed opens."""
    await keys.load(TENANT)
    await keys.create(TENANT)
    store = SealedCredentials(database, keys)
    environment = {
        name: value for name, value in {**os.environ, **embedded.environment()}.items() if name != "DATABASE_URL"
    }
    where = (tenants[0], "httpHeaderAuth", f"embedded {uuid.uuid4().hex}")
    verb(environment, "set", *where, text=json.dumps({"name": "X-Key", "value": "v"}))
    async with database.tenant_transaction(TENANT) as connection:
        cursor = await connection.execute("select sealed from credentials where name = %s", (where[2],))
        row = await cursor.fetchone()
    assert row is not None
    assert key_version(row["sealed"]) == keys.version(TENANT) > 0
    verb(environment, "allow", *where, "x.example")
    assert await bound(store, *where[1:]) == ["x.example"]


async def test_an_export_that_n8n_sealed_opens_with_its_key(
    environment: dict[str, str], store: SealedCredentials, tmp_path: Path
) -> None:
    """From the environment, a file, or n8n's own config; the key is never an argument, and never printed."""
    export = tmp_path / "credentials.json"
    export.write_text(json.dumps([{"type": "githubApi", "name": "sealed", "data": SEALED}]))
    (tmp_path / "key").write_text("n8n-test-key\n")
    (tmp_path / "config").write_text(json.dumps({"encryptionKey": "n8n-test-key"}))
    (tmp_path / "other").write_text("CANARY-key")
    assert "N8N_ENCRYPTION_KEY" in verb(environment, "import", TENANT, str(export), code=2)
    refused = verb(environment, "import", TENANT, str(export), "--key-file", str(tmp_path / "other"), code=2)
    assert "another key" in refused
    assert "CANARY" not in refused
    assert await store.names(TENANT) == [each for each in await store.names(TENANT) if each[1] != "sealed"]
    verb({**environment, "N8N_ENCRYPTION_KEY": "n8n-test-key"}, "import", TENANT, str(export))
    assert (await store.get(TENANT, "githubApi", "sealed"))["accessToken"] == "t0p s3cret ü"
    for file in ("key", "config"):
        await store.delete(TENANT, "githubApi", "sealed")
        verb(environment, "import", TENANT, str(export), "--key-file", str(tmp_path / file))
        assert (await store.get(TENANT, "githubApi", "sealed"))["accessToken"] == "t0p s3cret ü"


async def test_uses_are_listed_newest_first_and_to_their_tenant_only(
    environment: dict[str, str], store: SealedCredentials, database: Database
) -> None:
    del store
    uses = CredentialUses(database)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    await uses.write(TENANT, [CredentialUse("githubApi", "used", "run-1", "First", at, "api.github.com", times=3)])
    await uses.write(TENANT, [CredentialUse("githubApi", "used", "run-2", "Second", at, "evil.example", refused=True)])
    lines = verb(environment, "uses", TENANT, "used").splitlines()
    assert lines == [
        "2026-01-02T03:04:05+00:00  githubApi  refused evil.example  run-2  Second",
        "2026-01-02T03:04:05+00:00  githubApi  api.github.com  run-1  First  x3",
    ]
    assert await uses.list("globex", "used") == []
    assert verb(environment, "uses", TENANT, "used", "--type", "slackApi") == ""


def test_the_embedded_database_is_started_for_the_command(tmp_path: Path) -> None:
    """A hint of `tempor8 run` names `credentials set`, and its servers are down again by then."""
    outside = {
        name: each
        for name, each in os.environ.items()
        if not name.startswith(("DATABASE", "TEMPORAL", "TEMPOR8", "VAULT"))
    }
    environment = {**outside, "TEMPOR8_STATE": str(tmp_path / "state")}
    (tmp_path / "state").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "tenants", "create", "local"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verb(environment, "set", "local", "httpHeaderAuth", "Key", text='{"name": "X-Key", "value": "s"}')
    assert verb(environment, "list", "local").split() == ["httpHeaderAuth", "Key"]


def test_without_servers_and_without_their_state_there_is_no_database(tmp_path: Path) -> None:
    outside = {
        name: each
        for name, each in os.environ.items()
        if not name.startswith(("DATABASE", "TEMPORAL", "TEMPOR8", "VAULT"))
    }
    environment = {**outside, "TEMPOR8_STATE": str(tmp_path / "none")}
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "credentials", "list", "local"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no database" in done.stderr
