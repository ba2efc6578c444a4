"""Plans by hash: immutable rows, written with a publication, kept while a template or a run refers to them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from runtime.platform.postgres import SHARED, Connection, Database
from schemas.plan import Plan
from service.columns import Columns

__all__ = ["PlanStore", "plan_text", "write_plan"]

LOAD: Final = """
    select tenant_id, plan::text as text, sealed from plans where hash = %(hash)s and tenant_id in (%(tenant)s, '*')
    union all
    select tenant_id, plan::text, sealed_plan from workflow_templates
    where plan_hash = %(hash)s and tenant_id in (%(tenant)s, '*')
    limit 1"""
"""The second half: an API process of an earlier version publishes without writing `plans`."""
REFERENCED: Final = """
    exists (select from workflow_templates t where t.tenant_id = p.tenant_id and t.plan_hash = p.hash)
    or exists (select from workflow_executions e where e.tenant_id = p.tenant_id and e.plan_hash = p.hash)"""
"""Whether something refers to the row `p` of `plans`: a version of a template, or a run that is open or within the retention."""


async def write_plan(connection: Connection, columns: Columns, tenant: str, plan: Plan) -> None:
    """Store a plan in the caller's transaction. One that is there stays as it is, and is referred to again."""
    clear, sealed = columns.pair(("plan", plan.id), plan.canonical())
    await connection.execute(
        "insert into plans (tenant_id, hash, plan, sealed) values (%s, %s, %s, %s)"
        " on conflict (tenant_id, hash) do update set unreferenced_since = null",
        (tenant, plan.id, clear, sealed),
    )


async def plan_text(database: Database, row: Mapping[str, Any], plan_hash: str, sealed: str = "sealed") -> str:
    """Return the plan in a row with `tenant_id`, `text` and the column named `sealed`, as JSON. Raise SealError."""
    columns = await Columns(database.keys, row["tenant_id"]).load([row[sealed]])
    return columns.text(("plan", plan_hash), row["text"], row[sealed]) or ""


class PlanStore:
    """The plans of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tenant: str, plan_hash: str) -> bytes | None:
        """Return a plan of the tenant, or a shared one, as JSON; None: there is none. Raise DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(LOAD, {"tenant": tenant, "hash": plan_hash})
            row = await cursor.fetchone()
        return (await plan_text(self._database, row, plan_hash)).encode() if row else None

    async def collect(self, tenant: str, retention: timedelta) -> int:
        """Delete the tenant's plans to which nothing has referred for longer than `retention`; return their number.

        A plan is deleted in two rounds: the first one that finds no reference notes the time, one after the retention deletes. So a
        run that has no row yet keeps its plan. Shared plans stay for ever: runs of every tenant may refer to them.

        Raises:
            DatabaseUnavailable: collect again.
        """
        if tenant == SHARED:
            return 0
        values = {"tenant": tenant, "retention": retention}
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute(
                f"update plans p set unreferenced_since = case when {REFERENCED} then null"  # noqa: S608  # constants
                " else coalesce(unreferenced_since, now()) end where tenant_id = %(tenant)s"
                f" and (unreferenced_since is null) <> ({REFERENCED})",
                values,
            )
            cursor = await connection.execute(
                "delete from plans where tenant_id = %(tenant)s and unreferenced_since < now() - %(retention)s", values
            )
            return cursor.rowcount
