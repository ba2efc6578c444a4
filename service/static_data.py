"""Static data of templates, in Postgres."""

import json
from collections.abc import Mapping
from typing import Any

from runtime.platform.postgres import Database
from service.columns import Columns

__all__ = ["StaticDataStore"]


class StaticDataStore:
    """Static data (n8n's `$getWorkflowStaticData`) by tenant and template."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: str, template: str) -> dict[str, Any] | None:
        """Return a template's static data, as its last run left it; None: no run has written any. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select data, sealed from static_data where tenant_id = %s and template_key = %s", (tenant, template)
            )
            row = await cursor.fetchone()
        return await self._data(tenant, template, row) if row else None

    async def save(self, tenant: str, template: str, data: dict[str, Any]) -> None:
        """Save what a run changed: per node and global, the last run to end wins. Raises DatabaseUnavailable."""
        columns = await Columns.of(self._database, tenant)
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                "insert into static_data (tenant_id, template_key, data) values (%s, %s, '{}') on conflict do nothing",
                (tenant, template),
            )
            cursor = await connection.execute(  # merged here: jsonb would lose the order of keys
                "select data, sealed from static_data where tenant_id = %s and template_key = %s for update",
                (tenant, template),
            )
            row = await cursor.fetchone()
            merged = {**(await self._data(tenant, template, row) if row else {}), **data}
            clear, sealed = columns.pair(("static_data", template), json.dumps(merged))
            await connection.execute(
                "update static_data set data = %s, sealed = %s, updated_at = now()"
                " where tenant_id = %s and template_key = %s",
                (clear, sealed, tenant, template),
            )

    async def _data(self, tenant: str, template: str, row: Mapping[str, Any]) -> dict[str, Any]:
        columns = await Columns(self._database.keys, tenant).load([row["sealed"]])
        data: dict[str, Any] = columns.json(("static_data", template), row["data"], row["sealed"])
        return data
