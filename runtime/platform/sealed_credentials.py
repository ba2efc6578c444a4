"""Credentials in the table `credentials`, each row sealed with its tenant's key."""

import hashlib
from collections.abc import Mapping
from typing import Any

from runtime.platform.credentials import CredentialMissing, StoredCredential
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
        return (await self.read(tenant, type_, name)).data

    async def read(self, tenant: str, type_: str, name: str) -> StoredCredential:
        """Implement `CredentialStore`. A version is the digest of the sealed row. Raise as `get`."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select sealed from credentials where tenant_id = %s and type = %s and name = %s", (tenant, type_, name)
            )
            row = await cursor.fetchone()
        if row is None:
            raise CredentialMissing(tenant, type_, name)
        await self._keyring.load(tenant, row["sealed"])
        opened: dict[str, Any] = loads(
            self._keyring.open(tenant, Purpose.CREDENTIAL, row["sealed"], place=_place(type_, name))
        )
        return StoredCredential(opened, hashlib.sha256(row["sealed"]).hexdigest())

    async def replace(self, tenant: str, type_: str, name: str, data: Mapping[str, Any], version: str) -> bool:
        """Implement `CredentialStore`."""
        await self._keyring.load(tenant)
        sealed = self._keyring.seal(tenant, Purpose.CREDENTIAL, dumps(dict(data)), place=_place(type_, name))
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "update credentials set sealed = %s, updated_at = now()"
                " where tenant_id = %s and type = %s and name = %s and sha256(sealed) = %s",
                (sealed, tenant, type_, name, bytes.fromhex(version)),
            )
        return cursor.rowcount == 1

    async def put(self, tenant: str, type_: str, name: str, data: Mapping[str, Any]) -> None:
        """Implement `CredentialStore`."""
        await self._keyring.load(tenant)
        sealed = self._keyring.seal(tenant, Purpose.CREDENTIAL, dumps(dict(data)), place=_place(type_, name))
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

    async def check(self) -> None:
        """Implement `CredentialStore`: whether Postgres answers is another's question."""

    async def names(self, tenant: str) -> list[tuple[str, str]]:
        """Implement `CredentialStore`."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select type, name from credentials where tenant_id = %s order by type, name", (tenant,)
            )
            return [(row["type"], row["name"]) for row in await cursor.fetchall()]


def _place(type_: str, name: str) -> bytes:
    return f"{type_}\x00{name}".encode()
