"""Tenants and their API keys. A key is shown once; only a keyed hash of it is stored."""

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runtime.platform.egress import EgressPolicy
from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import SHARED, Database

__all__ = ["ApiKey", "BadTenant", "EgressAllowLists", "TenantStore", "tenant_of_key"]

TENANT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
KEY: Final = re.compile(rf"t8_({TENANT_ID.pattern})_([0-9a-f]{{48}})")
EGRESS_CACHE_SECONDS: Final = 3.0
"""How long a tenant's egress entries are remembered."""


class BadTenant(Exception):
    """A tenant's id cannot be part of a run's id and of an address. The message says which characters may be."""


@dataclass(frozen=True)
class ApiKey:
    """A key without its secret."""

    id: str
    tenant: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def tenant_of_key(key: str) -> str | None:
    """Return the tenant that a key claims; None when it is not of this form. The claim proves nothing before `verify`."""
    match = KEY.fullmatch(key)
    return match[1] if match else None


class TenantStore:
    """Tenants and keys in Postgres.

    A key has 192 random bits, so a fast keyed hash is enough: there is nothing to guess, and a slow one would cost
    every request of every client.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database, self._keyring = database, keyring

    async def create(self, tenant: str, name: str = "") -> bool:
        """Create a tenant; return False when it exists.

        Raises:
            BadTenant: the id has other characters than letters, digits, `_`, `.`, `-`, or is longer than 63.
        """
        if tenant != SHARED and not TENANT_ID.fullmatch(tenant):
            raise BadTenant(
                f"{tenant!r} cannot be a tenant's id: letters, digits, '_', '.' and '-', 63 at most, "
                "beginning with a letter or a digit"
            )
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "insert into tenants (id, name) values (%s, %s) on conflict (id) do nothing", (tenant, name)
            )
            return cursor.rowcount == 1

    async def allow_egress(self, tenant: str, entries: Sequence[str]) -> bool:
        """Open these hosts or networks in the egress guard, for this tenant alone; takes effect within seconds. Return False
        when there is no such tenant.

        Raises:
            ValueError: a malformed entry, named.
        """
        EgressPolicy.parse(entries)
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "update tenants set egress_allow = %s where id = %s", (list(entries), tenant)
            )
            return cursor.rowcount == 1

    async def issue(self, tenant: str, name: str = "", *, lifetime: timedelta | None = None) -> str:
        """Return a new key of an existing tenant; it cannot be read again.

        Raises:
            psycopg.errors.ForeignKeyViolation: there is no such tenant.
        """
        key = f"t8_{tenant}_{secrets.token_hex(24)}"
        digest = self._keyring.fingerprint(tenant, Purpose.API_KEY, key.encode())
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into api_keys (tenant_id, name, digest, expires_at) values (%s, %s, %s, now() + %s)",
                (tenant, name, digest, lifetime),
            )
        return key

    async def verify(self, key: str) -> ApiKey | None:
        """Return the key's row; None when it is unknown, expired or revoked. Raises DatabaseUnavailable."""
        tenant = tenant_of_key(key)
        if tenant is None:
            return None
        digests = self._keyring.fingerprints(tenant, Purpose.API_KEY, key.encode())
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select id, name, created_at, expires_at, revoked_at from api_keys where tenant_id = %s"
                " and digest = any(%s) and revoked_at is null and (expires_at is null or expires_at > now())",
                (tenant, digests),
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        return ApiKey(str(row["id"]), tenant, row["name"], row["created_at"], row["expires_at"], row["revoked_at"])

    async def keys(self, tenant: str) -> list[ApiKey]:
        """Return the keys of a tenant, the revoked ones included, oldest first."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select id, name, created_at, expires_at, revoked_at from api_keys where tenant_id = %s"
                " order by created_at, id",
                (tenant,),
            )
            rows = await cursor.fetchall()
        return [
            ApiKey(str(row["id"]), tenant, row["name"], row["created_at"], row["expires_at"], row["revoked_at"])
            for row in rows
        ]

    async def revoke(self, tenant: str, key_id: str) -> bool:
        """Revoke a key; return False when the tenant has no such key or it was revoked before. Takes effect within seconds."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "update api_keys set revoked_at = now() where tenant_id = %s and id::text = %s and revoked_at is null",
                (tenant, key_id),
            )
            return cursor.rowcount == 1


class EgressAllowLists:
    """What each tenant opened in the egress guard, remembered for `EGRESS_CACHE_SECONDS`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def get(self, tenant: str) -> tuple[str, ...]:
        """Return the hosts and networks of a tenant; none for a tenant that does not exist. Raises DatabaseUnavailable."""
        now = time.monotonic()
        cached = self._cache.get(tenant)
        if cached is None or now - cached[0] > EGRESS_CACHE_SECONDS:
            async with self._database.tenant_transaction(tenant) as connection:
                cursor = await connection.execute("select egress_allow from tenants where id = %s", (tenant,))
                row = await cursor.fetchone()
            cached = self._cache[tenant] = now, tuple(row["egress_allow"]) if row else ()
        return cached[1]
