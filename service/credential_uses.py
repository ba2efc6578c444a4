"""When steps opened a tenant's credentials, and to which hosts they sent them: written by workers, read by their owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runtime.platform.postgres import Database

__all__ = ["CredentialUse", "CredentialUses"]

MAX_ROWS: Final = 1_000
"""Rows that one `list` returns at most."""
_INSERT: Final = (
    "insert into credential_uses (tenant_id, type, name, execution_id, node, host, refused, times, used_at)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True)
class CredentialUse:
    """One use of a credential by a step. `host` is empty when the step sent no request with it."""

    type: str
    name: str
    execution_id: str
    node: str
    used_at: datetime
    host: str = ""
    refused: bool = False
    """The request was not sent: the host is none of the credential's."""
    times: int = 1


class CredentialUses:
    """The table `credential_uses`. Rows live as long as the retention of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, tenant: str, uses: Sequence[CredentialUse]) -> None:
        """Add uses of one tenant. Raises DatabaseUnavailable: none was added."""
        rows = [
            (tenant, use.type, use.name, use.execution_id, use.node, use.host, use.refused, use.times, use.used_at)
            for use in uses
        ]
        async with self._database.tenant_transaction(tenant) as connection, connection.cursor() as cursor:
            await cursor.executemany(_INSERT, rows)

    async def list(self, tenant: str, name: str, type_: str | None = None, limit: int = 100) -> list[CredentialUse]:
        """Return the last uses of a credential, newest first. `type_`: of this type only. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select type, name, execution_id, node, used_at, host, refused, times from credential_uses"
                " where tenant_id = %s and name = %s and (%s::text is null or type = %s) order by id desc limit %s",
                (tenant, name, type_, type_, min(limit, MAX_ROWS)),
            )
            return [CredentialUse(**row) for row in await cursor.fetchall()]
