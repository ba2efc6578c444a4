"""Tenants and their API keys. A key is shown once; only a keyed hash of it is stored."""

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg.errors import ForeignKeyViolation

from runtime.platform.egress import EgressPolicy
from runtime.platform.keys import Keyring, Purpose
from runtime.platform.postgres import SHARED, Connection, Database
from service.api_keys import (
    ALL_SCOPES,
    COLUMNS,
    TENANT_ID,
    ApiKey,
    IssuedKey,
    KeyExpiredError,
    KeyReplacedError,
    KeyScope,
    NoSuchTenantError,
    api_key_of,
    tenant_of_key,
)
from service.changes import CHANGES
from service.deletion_store import refuse_deleted
from service.resealing import earlier_connections
from service.tenant_rows import insert_tenant

__all__ = ["ApiKey", "BadTenant", "EgressAllowLists", "Tenant", "TenantStore", "tenant_of_key"]

EGRESS_CACHE_SECONDS: Final = 3.0
"""How long a tenant's egress entries are remembered."""


class BadTenant(Exception):
    """A tenant's id cannot be part of a run's id and of an address. The message says which characters may be."""


@dataclass(frozen=True)
class Tenant:
    """A tenant, without anything of its data."""

    id: str
    name: str
    created_at: datetime
    egress_allow: tuple[str, ...]
    """Hosts and networks that are open to its steps alone."""


class TenantStore:
    """Tenants and keys in Postgres.

    A key has 192 random bits, so a fast keyed hash is enough: there is nothing to guess, and a slow one would cost
    every request of every client.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database, self._keyring = database, keyring

    @property
    def keyring(self) -> Keyring:
        """Return the keys."""
        return self._keyring

    async def create(self, tenant: str, name: str = "") -> bool:
        """Create a tenant with a data key; return False when it exists.

        Raises:
            BeingDeletedError: the tenant is being deleted.
            BadTenant: the id has other characters than letters, digits, `_`, `.`, `-`, or is longer than 63.
        """
        if tenant != SHARED and not TENANT_ID.fullmatch(tenant):
            raise BadTenant(
                f"{tenant!r} cannot be a tenant's id: letters, digits, '_', '.' and '-', 63 at most, "
                "beginning with a letter or a digit"
            )
        async with self._database.tenant_transaction(tenant) as connection:
            await refuse_deleted(connection, tenant)
            created = await insert_tenant(connection, tenant, name)
        if created and not await earlier_connections(self._database):
            await self._keyring.create(tenant)
        return created

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

    async def get(self, tenant: str) -> Tenant | None:
        """Return a tenant; None when there is none of that id. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select id, name, created_at, egress_allow from tenants where id = %s", (tenant,)
            )
            row = await cursor.fetchone()
        return Tenant(row["id"], row["name"], row["created_at"], tuple(row["egress_allow"])) if row else None

    async def page(self, after: str = "", limit: int = 50) -> list[Tenant]:
        """Return tenants in the order of their ids, those behind `after`; one more than `limit` when there is a next page.

        The ids come from a table that has nothing else of theirs, the rows tenant by tenant. Raises DatabaseUnavailable.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id from tenant_sealing where tenant_id > %s and tenant_id <> %s order by tenant_id limit %s",
                (after, SHARED, limit + 1),
            )
            ids = [row["tenant_id"] for row in await cursor.fetchall()]
        found = [await self.get(each) for each in ids]
        return [each for each in found if each is not None]

    async def expire(self, tenant: str, key_id: str, lifetime: timedelta | None) -> ApiKey | None:
        """Let a valid key expire so long from now (None: not at all), and return it; None when the tenant has no such key, or
        it is revoked, expired or replaced by another. Processes are notified.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                f"update api_keys set expires_at = now() + %s where tenant_id = %s and id::text = %s and revoked_at is null"  # noqa: S608
                f" and replaced_by is null and (expires_at is null or expires_at > now()) returning {COLUMNS}".encode(),
                (lifetime, tenant, key_id),
            )
            row = await cursor.fetchone()
            await connection.execute("select pg_notify(%s, %s)", (CHANGES, tenant))
        return api_key_of(tenant, row) if row else None

    async def accepts(self, tenant: str) -> bool:
        """Return whether callers of a tenant are let in: it exists, and nobody has asked for its deletion."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select 1 from tenants where id = %(tenant)s and not exists"
                " (select from deletions where tenant_id = %(tenant)s and template_key = '')",
                {"tenant": tenant},
            )
            return await cursor.fetchone() is not None

    async def issue(self, tenant: str, name: str = "", *, lifetime: timedelta | None = None) -> str:
        """Return the secret of a new key with every scope. Raises as `issue_key` does."""
        return (await self.issue_key(tenant, name, lifetime=lifetime)).secret

    async def issue_key(
        self,
        tenant: str,
        name: str = "",
        *,
        scopes: Collection[KeyScope] = ALL_SCOPES,
        lifetime: timedelta | None = None,
    ) -> IssuedKey:
        """Return a new key of an existing tenant; its secret cannot be read again.

        Args:
            tenant: whose key it is.
            name: what it is for.
            scopes: what it may do, one at least.
            lifetime: after which it expires; None: it does not.

        Raises:
            NoSuchTenantError: there is no such tenant.
            BeingDeletedError: the tenant is being deleted.
        """
        try:
            async with self._database.tenant_transaction(tenant) as connection:
                await refuse_deleted(connection, tenant)
                return await self._insert(connection, tenant, name, scopes, lifetime)
        except ForeignKeyViolation as error:
            raise NoSuchTenantError(f"there is no tenant {tenant!r}") from error

    async def rotate(self, tenant: str, key_id: str, overlap: timedelta) -> IssuedKey | None:
        """Return a new key with name, scopes and lifetime of an old one, which expires after `overlap`; None when the tenant
        has no such key. Processes are notified.

        Raises:
            KeyReplacedError: the key was rotated before.
            KeyExpiredError: the key is revoked or expired.
            BeingDeletedError: the tenant is being deleted.
        """
        async with self._database.tenant_transaction(tenant) as connection:
            await refuse_deleted(connection, tenant)
            cursor = await connection.execute(
                f"select {COLUMNS}, revoked_at is null and (expires_at is null or expires_at > now()) as valid"  # noqa: S608
                " from api_keys where tenant_id = %s and id::text = %s for update".encode(),
                (tenant, key_id),
            )
            row = await cursor.fetchone()
            if row is None:
                return None
            old = api_key_of(tenant, row)
            if old.replaced_by is not None:
                raise KeyReplacedError(f"key {key_id} was rotated before; rotate {old.replaced_by} instead")
            if not row["valid"]:
                raise KeyExpiredError(f"key {key_id} is revoked or expired; issue a new one")
            lifetime = old.expires_at - old.created_at if old.expires_at else None
            new = await self._insert(connection, tenant, old.name, old.scopes, lifetime)
            await connection.execute(
                "update api_keys set replaced_by = %(new)s, expires_at = least(expires_at, now() + %(overlap)s)"
                " where tenant_id = %(tenant)s and id = %(old)s",
                {"new": new.key.id, "overlap": overlap, "tenant": tenant, "old": old.id},
            )
            await connection.execute("select pg_notify(%s, %s)", (CHANGES, tenant))
            return new

    async def verify(self, key: str) -> ApiKey | None:
        """Return the key's row; None when it is unknown, expired or revoked. Raises DatabaseUnavailable."""
        tenant = tenant_of_key(key)
        if tenant is None:
            return None
        digests = self._keyring.fingerprints(tenant, Purpose.API_KEY, key.encode())
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                f"select {COLUMNS} from api_keys where tenant_id = %s and digest = any(%s)"  # noqa: S608
                " and revoked_at is null and (expires_at is null or expires_at > now())".encode(),
                (tenant, digests),
            )
            row = await cursor.fetchone()
        return api_key_of(tenant, row) if row else None

    async def keys(self, tenant: str) -> list[ApiKey]:
        """Return the keys of a tenant, the revoked ones included, oldest first."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                f"select {COLUMNS} from api_keys where tenant_id = %s order by created_at, id".encode(),  # noqa: S608
                (tenant,),
            )
            return [api_key_of(tenant, row) for row in await cursor.fetchall()]

    async def revoke(self, tenant: str, key_id: str) -> bool:
        """Revoke a key; return False when the tenant has no such key or it was revoked before. Processes are notified."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "update api_keys set revoked_at = now() where tenant_id = %s and id::text = %s and revoked_at is null",
                (tenant, key_id),
            )
            await connection.execute("select pg_notify(%s, %s)", (CHANGES, tenant))
            return cursor.rowcount == 1

    async def note_uses(self, tenant: str, uses: Mapping[str, datetime]) -> None:
        """Write when keys were used last: id -> time. An earlier time than the one that is known changes nothing."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "update api_keys k set last_used_at = u.at"
                " from unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) as u (id, at)"
                " where k.tenant_id = %(tenant)s and k.id = u.id and (k.last_used_at is null or k.last_used_at < u.at)",
                {"tenant": tenant, "ids": list(uses), "times": list(uses.values())},
            )

    async def _insert(
        self,
        connection: Connection,
        tenant: str,
        name: str,
        scopes: Collection[KeyScope],
        lifetime: timedelta | None,
    ) -> IssuedKey:
        secret = f"t8_{tenant}_{secrets.token_hex(24)}"
        cursor = await connection.execute(
            f"insert into api_keys (tenant_id, name, digest, scopes, expires_at)"  # noqa: S608
            f" values (%s, %s, %s, %s, now() + %s) returning {COLUMNS}".encode(),
            (
                tenant,
                name,
                self._keyring.fingerprint(tenant, Purpose.API_KEY, secret.encode()),
                sorted(scopes),
                lifetime,
            ),
        )
        row = await cursor.fetchone()
        assert row is not None  # an insert returns its row
        return IssuedKey(secret, api_key_of(tenant, row))


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
