"""Static data of templates, in Postgres."""

import json
from typing import Any

from runtime.platform.postgres import Database

__all__ = ["StaticDataStore"]


class StaticDataStore:
    """Static data (n8n's `$getWorkflowStaticData`) by tenant and template."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, template: str) -> dict[str, Any] | None:
        """Return a template's static data, as its last run left it; None: no run has written any. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select data from static_data where tenant_id = %s and template_key = %s", (tenant, template)
            )
            row = await cursor.fetchone()
        return row["data"] if row else None

    async def save(self, tenant: str, template: str, data: dict[str, Any]) -> None:
        """Save what a run changed: per node and global, the last run to end wins. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into static_data (tenant_id, template_key, data) values (%s, %s, '{}') on conflict do nothing",
                (tenant, template),
            )
            cursor = await connection.execute(  # merged here: jsonb would lose the order of keys
                "select data from static_data where tenant_id = %s and template_key = %s for update", (tenant, template)
            )
            row = await cursor.fetchone()
            merged = {**(row["data"] if row else {}), **data}
            await connection.execute(
                "update static_data set data = %s, updated_at = now() where tenant_id = %s and template_key = %s",
                (json.dumps(merged), tenant, template),
            )
