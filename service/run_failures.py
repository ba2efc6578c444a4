"""Failed runs that nobody has tried again, grouped by what they have in common."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from runtime.platform.postgres import Database
from service.columns import Columns
from service.execution_store import OPEN_FAILURES
from service.run_columns import open_error
from service.storable import storable_text

__all__ = ["FailureGroup", "FailureStore"]

GROUPS: Final = f"""
    with failed as (
        select id, template_key, fingerprint, started_at from workflow_executions
        where tenant_id = %(tenant)s and started_at >= %(since)s and {OPEN_FAILURES}
            and (%(template)s::text is null or template_key = %(template)s)
    ), grouped as (
        select template_key, fingerprint, count(*) as runs, min(started_at) as first_at, max(started_at) as last_at,
            (array_agg(id order by started_at desc))[1] as latest
        from failed group by template_key, fingerprint order by runs desc, last_at desc limit %(limit)s
    )
    select grouped.*, e.error, e.sealed_error from grouped
    join workflow_executions e on e.tenant_id = %(tenant)s and e.id = grouped.latest
    order by runs desc, last_at desc"""  # noqa: S608  # put together of constants


STUCK: Final = """
    select problem ->> 'kind' as kind, problem ->> 'cause' as cause, max(problem ->> 'hint') as hint, count(*) as runs
    from workflow_executions where tenant_id = %s and problem is not null and status = 'running'
    group by 1, 2 order by runs desc, 1, 2"""


@dataclass(frozen=True)
class FailureGroup:
    """Failures of a template that have one cause, as far as their errors tell."""

    template: str
    fingerprint: str | None
    """None: the runs were written before failures were grouped, or ended without an error."""
    runs: int
    first_at: datetime
    """When the first of them started."""
    last_at: datetime
    latest: str
    """Id of the latest of them."""
    error: dict[str, Any] | None
    """Of the latest of them."""


class FailureStore:
    """Reads groups of failures and of stuck runs.

    Args:
        database: with a limit on the time of a statement.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def groups(
        self, tenant: str, since: datetime, *, template: str | None = None, limit: int = 100
    ) -> list[FailureGroup]:
        """Return the groups with the most runs first, of runs that started at `since` or later.

        Raises:
            DatabaseUnavailable: Postgres does not answer, or not in time.
        """
        values = {
            "tenant": tenant, "since": since, "limit": limit, "template": None if template is None else storable_text(template),
        }  # fmt: skip
        async with self._database.tenant_transaction(tenant) as connection:
            rows = await (await connection.execute(GROUPS.encode(), values)).fetchall()
        columns = Columns(self._database.keys, tenant)
        return [
            FailureGroup(
                row["template_key"], row["fingerprint"], row["runs"], row["first_at"], row["last_at"], row["latest"],
                await open_error(columns, (row["latest"],), row["error"], row["sealed_error"]),
            )
            for row in rows
        ]  # fmt: skip

    async def stuck_causes(self, tenant: str) -> list[dict[str, Any]]:
        """Return how many open runs do not go on, by reason: `{kind, cause, hint, runs}`. Raise DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            return [dict(row) for row in await (await connection.execute(STUCK, (tenant,))).fetchall()]
