"""Credentials in the table `credentials`, each row sealed with its tenant's key."""

from collections.abc import Mapping
from typing import Any

from runtime.platform.credentials import CredentialMissing
from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import Database
from runtime.platform.storage.payloads import dumps, loads

__all__ = ["SealedCredentials"]


class SealedCredentials:
    """The table `credentials`, each row sealed for its tenant."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def get(self, tenant: str, type_: str, name: str) -> Mapping[str, Any]:
        """Implement `CredentialStore`. Also raise SealError when the master key is not the one that sealed it."""
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
        """Implement `CredentialStore`."""
        sealed = self._keyring.seal(tenant, Purpose.CREDENTIAL, dumps(dict(data)))
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into credentials (tenant_id, type, name, sealed) values (%s, %s, %s, %s)"
                " on conflict (tenant_id, type, name) do update set sealed = excluded.sealed, updated_at = now()",
                (tenant, type_, name, sealed),
            )

    async def delete(self, tenant: str, type_: str, name: str) -> None:
        """Implement `CredentialStore`."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "delete from credentials where tenant_id = %s and type = %s and name = %s", (tenant, type_, name)
            )
        if cursor.rowcount == 0:
            raise CredentialMissing(tenant, type_, name)

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """Implement `CredentialStore`."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute("select type, name from credentials order by type, name")
            return [(row["type"], row["name"]) for row in await cursor.fetchall()]
