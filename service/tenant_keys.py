"""The data keys of all tenants, for the operator."""

from dataclasses import dataclass
from datetime import datetime

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.resealing import EarlierProcessesError, clear_counts, earlier_connections

__all__ = ["KeyStatus", "TenantDataKeys"]


@dataclass(frozen=True)
class KeyStatus:
    """The newest data key of a tenant, and what is in clear."""

    tenant: str
    version: int
    """0: it has none."""
    created_at: datetime | None
    clear: dict[str, int]
    """Values in clear by `table.column`; see `clear_counts`."""


class TenantDataKeys:
    """Data keys of tenants. Methods raise DatabaseUnavailable and CredentialsUnavailable."""

    def __init__(self, database: Database, keys: Keyring) -> None:
        self._database, self._keys = database, keys

    async def tenants(self, tenant: str | None = None) -> list[str]:
        """Return the ids of all tenants, or this one if there is such a tenant."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id from tenant_sealing where %(tenant)s::text is null or tenant_id = %(tenant)s order by 1",
                {"tenant": tenant},
            )
            return [row["tenant_id"] for row in await cursor.fetchall()]

    async def status(self, tenant: str) -> KeyStatus:
        """Return the newest key of a tenant and what is in clear."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select version, created_at from tenant_keys where tenant_id = %s order by version desc limit 1",
                (tenant,),
            )
            row = await cursor.fetchone() or {"version": 0, "created_at": None}
        return KeyStatus(tenant, row["version"], row["created_at"], await clear_counts(self._database, tenant))

    async def rotate(self, tenant: str) -> int:
        """Make a new key of a tenant; return its version, 0 when the tenant is being deleted.

        Raises:
            EarlierProcessesError: it would be the first one, and processes of an earlier version are connected.
        """
        await self._keys.load(tenant)
        if self._keys.version(tenant) == 0 and (waiting := await earlier_connections(self._database)):
            raise EarlierProcessesError(
                f"{tenant} gets no first key yet: processes of an earlier version have {waiting} connections and could not read "
                "what it seals. Stop them first"
            )
        return await self._keys.rotate(tenant)

    async def wrap_again(self, tenant: str) -> int:
        """Wrap the keys of a tenant with the key-encryption key of today; return their number."""
        return await self._keys.wrap_again(tenant)
