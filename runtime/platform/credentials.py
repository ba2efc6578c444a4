"""Credentials of tenants: sealed rows in Postgres, or a Vault KV v2 engine.

Only activities call this; what `get` returns never enters history, logs, errors or diagnostics.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.payloads import dumps, loads

__all__ = [
    "CredentialMissing",
    "CredentialStore",
    "CredentialsUnavailable",
    "SealedCredentials",
    "credential_store",
]


class CredentialMissing(Exception):
    """The tenant has no credential of this type and name. There is never a fallback to somebody else's key."""

    def __init__(self, tenant: str, type_: str, name: str) -> None:
        super().__init__(
            f"tenant {tenant} has no credential {name!r} of type {type_}. "
            f"Add it with: tempor8 credentials set {tenant} {type_} {name!r}"
        )
        self.tenant = tenant
        self.type = type_
        self.name = name


class CredentialsUnavailable(Exception):
    """The store does not answer, or refuses us. Try again, or tell an operator; the message says which."""


class CredentialStore(Protocol):
    """What both stores can do. Names are the author's, as in n8n."""

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """The credential's fields. Raises CredentialMissing or CredentialsUnavailable."""

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Write all fields anew. Raises CredentialsUnavailable."""

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Forget it, with all its versions. Raises CredentialMissing or CredentialsUnavailable."""

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """(type, name) of all, sorted; never a value. Raises CredentialsUnavailable."""


class SealedCredentials:
    """The table `credentials`, each row sealed for its tenant."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """See CredentialStore; also SealError when the master key is not the one that sealed it."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select sealed from credentials where tenant_id = %s and type = %s and name = %s", (tenant, type_, name)
            )
            row = await cursor.fetchone()
        if row is None:
            raise CredentialMissing(tenant, type_, name)
        opened: dict[str, Any] = loads(self._keyring.open(tenant, Purpose.CREDENTIAL, row["sealed"]))
        return opened

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """See CredentialStore."""
        sealed = self._keyring.seal(tenant, Purpose.CREDENTIAL, dumps(dict(data)))
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into credentials (tenant_id, type, name, sealed) values (%s, %s, %s, %s)"
                " on conflict (tenant_id, type, name) do update set sealed = excluded.sealed, updated_at = now()",
                (tenant, type_, name, sealed),
            )

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """See CredentialStore."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "delete from credentials where tenant_id = %s and type = %s and name = %s", (tenant, type_, name)
            )
        if cursor.rowcount == 0:
            raise CredentialMissing(tenant, type_, name)

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """See CredentialStore."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute("select type, name from credentials order by type, name")
            return [(row["type"], row["name"]) for row in await cursor.fetchall()]


def credential_store(settings: Settings, database: Database, keyring: Keyring) -> CredentialStore:
    """Vault when VAULT_ADDR is set, else the sealed table.

    Raises:
        CredentialsUnavailable: VAULT_ADDR without a token or an AppRole.
    """
    if settings.vault_address is None:
        return SealedCredentials(database, keyring)
    token = settings.vault_token.get_secret_value() if settings.vault_token else None
    secret_id = settings.vault_secret_id.get_secret_value() if settings.vault_secret_id else ""
    role = (settings.vault_role_id, secret_id) if settings.vault_role_id else None
    if token is None and role is None:
        raise CredentialsUnavailable("VAULT_ADDR is set: set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, too")
    from runtime.platform.vault import VaultCredentials  # noqa: PLC0415  # its HTTP client takes 8 MB

    return VaultCredentials(
        settings.vault_address,
        mount=settings.vault_mount,
        token=token if role is None else None,
        role=role,
        namespace=settings.vault_namespace,
    )
