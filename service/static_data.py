"""Static data of templates, in Postgres."""

import json
from collections.abc import Mapping
from typing import Any, Final

from runtime.platform.postgres import Database
from service.columns import Columns

__all__ = ["StaticDataStore"]

POLLED_BY: Final = "polledBy"
"""The member that says which run has moved a poll's mark last, by its node: {'node:NAME': workflow id}. No run sees it."""


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
        if row is None:
            return None
        data = await self._data(tenant, template, row)
        return {name: each for name, each in data.items() if name != POLLED_BY}

    async def exists(self, tenant: str, template: str) -> bool:
        """Return whether a run has saved something. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select from static_data where tenant_id = %s and template_key = %s", (tenant, template)
            )
            return await cursor.fetchone() is not None

    async def save(
        self,
        tenant: str,
        template: str,
        data: dict[str, Any],
        poll: Mapping[str, Any] | None = None,
        *,
        begun: Mapping[str, Any] | None = None,
    ) -> bool:
        """Save what a run changed: per node and global, the last run to end wins. Raises DatabaseUnavailable.

        Args:
            tenant: whose template.
            template: its key.
            data: the members that changed.
            poll: of a poll, {key: of its node's data, before: what it began with, run: which run it is}.
            begun: what runs had before any of them saved something, as the export brings it.

        Returns:
            False, and nothing is saved, where another poll has moved the mark since this one read it: what this one found
            is a part of what that one found, or is found by the next.
        """
        columns = await Columns.of(self._database, tenant)
        async with self._database.tenant_transaction(tenant) as connection:
            fresh = await connection.execute(
                "insert into static_data (tenant_id, template_key, data) values (%s, %s, '{}') on conflict do nothing",
                (tenant, template),
            )
            cursor = await connection.execute(  # merged here: jsonb would lose the order of keys
                "select data, sealed from static_data where tenant_id = %s and template_key = %s for update",
                (tenant, template),
            )
            row = await cursor.fetchone()
            merged = dict(begun or {}) if fresh.rowcount or row is None else await self._data(tenant, template, row)
            if poll is not None:
                moved = merged.get(POLLED_BY) or {}
                if moved.get(poll["key"]) == poll["run"]:
                    return True  # asked again, as the worker died after it had saved
                if merged.get(poll["key"]) != poll["before"]:
                    return False
                merged[POLLED_BY] = {**moved, poll["key"]: poll["run"]}
            merged |= data
            clear, sealed = columns.pair(("static_data", template), json.dumps(merged))
            await connection.execute(
                "update static_data set data = %s, sealed = %s, updated_at = now()"
                " where tenant_id = %s and template_key = %s",
                (clear, sealed, tenant, template),
            )
        return True

    async def _data(self, tenant: str, template: str, row: Mapping[str, Any]) -> dict[str, Any]:
        columns = await Columns(self._database.keys, tenant).load([row["sealed"]])
        data: dict[str, Any] = columns.json(("static_data", template), row["data"], row["sealed"])
        return data
