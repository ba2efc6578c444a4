"""How much there is of a tenant, by kind: what the operator sees before erasing it. Counts, and nothing of the data itself."""

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from runtime.platform.credentials import CredentialStore
from runtime.platform.postgres import Database

__all__ = ["MOST", "TenantContents", "read_contents"]

MOST: Final = 1_000_000
"""Rows of a kind that are counted: a tenant may have many more, and nobody needs their exact number."""
ROWS: Final = {
    "templates": "select distinct key from workflow_templates where tenant_id = %(tenant)s",
    "versions": "select 1 from workflow_templates where tenant_id = %(tenant)s",
    "open_runs": "select 1 from workflow_executions where tenant_id = %(tenant)s and status = 'running'",
    "runs": "select 1 from workflow_executions where tenant_id = %(tenant)s",
    "schedules": "select 1 from schedules where tenant_id = %(tenant)s and spec is not null",
    "variables": "select 1 from variables where tenant_id = %(tenant)s",
    "tables": "select 1 from data_tables where tenant_id = %(tenant)s",
    "keys": "select 1 from api_keys where tenant_id = %(tenant)s and revoked_at is null",
}
PAYLOADS: Final = """
    select count(*) as rows, coalesce(sum(size), 0)::bigint as bytes
    from (select size from payloads where tenant_id = %(tenant)s limit %(most)s) counted"""


@dataclass(frozen=True)
class TenantContents:
    """Numbers of what a tenant has."""

    rows: dict[str, int]
    """Kind -> number."""
    payload_bytes: int
    at_least: bool
    """A kind has more rows than are counted."""


async def read_contents(database: Database, credentials: CredentialStore, tenant: str) -> TenantContents:
    """Count what a tenant has; none of a tenant that does not exist.

    Raises:
        DatabaseUnavailable: Postgres does not answer, or takes too long.
        CredentialsUnavailable: the store of credentials does not answer.
    """
    values, rows = {"tenant": tenant, "most": MOST}, dict[str, int]()
    async with database.tenant_transaction(tenant) as connection:
        for kind, select in ROWS.items():
            counted = sql.SQL("select count(*) as rows from ({} limit %(most)s) counted").format(sql.SQL(select))
            rows[kind] = (await (await connection.execute(counted, values)).fetchall())[0]["rows"]
        [payloads] = await (await connection.execute(PAYLOADS, values)).fetchall()
    rows |= {"payloads": payloads["rows"], "credentials": len(await credentials.names(tenant))}
    return TenantContents(rows, payloads["bytes"], any(number >= MOST for number in rows.values()))
