"""What the projector keeps of its own: positions, ids of open runs, runs to read again. Ids and reasons, no data of tenants."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runtime.platform.postgres import Database
from service.columns import Columns
from service.projection.shard_locks import shard_of
from service.run_columns import seal_problem
from service.run_problems.problem import KINDS, RunProblem, kind_of

__all__ = ["DueRun", "OpenRun", "ProjectionState", "StuckSummary", "stuck_summary"]

PAGE_ROWS: Final = 5_000
WRITE_PROBLEM: Final = """
    update workflow_executions set problem = case
        when %(key)s::text is null then case when problem ->> 'kind' = 'unreadable' then problem end
        when problem ->> 'kind' = any(%(graver)s::text[]) then problem
        else (jsonb_build_object('since', case when problem ->> 'cause' = %(problem)s::json ->> 'cause'
            then problem ->> 'since' else to_json(now()) #>> '{}' end) || %(problem)s::jsonb)::json end
    where tenant_id = %(tenant)s and id = %(id)s and status = 'running'"""
NOTE_PROBLEM: Final = """
    update open_runs set problem = case
            when split_part(problem, ':', 1) = any(%(graver)s::text[])
                or (problem not like '%%:%%' and 'workflow_task' = any(%(graver)s::text[])) then problem
            else %(key)s end,
        problem_since = case when %(key)s::text is null then null
            else coalesce(problem_since, now()) end
    where tenant_id = %(tenant)s and id = %(id)s"""
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OpenRun:
    """A run that its row calls open."""

    tenant: str
    id: str
    run_id: str
    planned: bool
    """Whether its row knows the plan."""
    problem: str | None
    """Key of its problem, see `RunProblem.key`; None: none is known."""

    @property
    def kind(self) -> str | None:
        """Return the kind of its problem."""
        return kind_of(self.problem)[0] if self.problem else None


@dataclass(frozen=True)
class DueRun:
    """A run that is to be read again."""

    tenant: str
    id: str
    run_id: str
    attempts: int


@dataclass(frozen=True)
class StuckSummary:
    """How many runs of all tenants need somebody's attention."""

    causes: dict[tuple[str, str], int]
    """Kind and cause of a problem -> open runs that have it."""
    since: datetime | None
    """When the longest of these problems was first seen; None: there are none."""
    set_aside: int
    """Runs that could not be read or written."""

    @property
    def stuck(self) -> int:
        """Return how many open runs have a problem."""
        return sum(self.causes.values())

    @property
    def kinds(self) -> dict[str, int]:
        """Return kinds of problems with how many runs have them."""
        kinds: dict[str, int] = {}
        for (kind, _), runs in self.causes.items():
            kinds[kind] = kinds.get(kind, 0) + runs
        return kinds | ({"unreadable": self.set_aside} if self.set_aside else {})


class ProjectionState:
    """Tables of the projector."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self, shards: Collection[int]) -> datetime:
        """Return up to which close time every run of all these shards is written."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select min(closed_until) as until, count(*) as rows from projector_shards where shard = any(%s)",
                (list(shards),),
            )
            row = await cursor.fetchone()
        return row["until"] if row and row["rows"] == len(shards) and row["until"] else BEGINNING

    async def save_position(self, shards: Collection[int], until: datetime) -> None:
        """Save up to which close time these shards are written."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "insert into projector_shards (shard, closed_until) select unnest(%s::integer[]), %s"
                " on conflict (shard) do update set closed_until = excluded.closed_until",
                (list(shards), until),
            )

    async def open_runs(self, shards: Collection[int], unseen_for: timedelta) -> AsyncIterator[list[OpenRun]]:
        """Yield the open runs of these shards whose rows were written so long ago, page by page."""
        last = ("", "")
        while True:
            async with self._database.transaction() as connection:
                cursor = await connection.execute(
                    "select tenant_id, id, run_id, planned, problem, seen_at <= now() - %s as old from open_runs"
                    " where (tenant_id, id) > (%s, %s) order by tenant_id, id limit %s",
                    (unseen_for, *last, PAGE_ROWS),
                )
                rows = await cursor.fetchall()
            yield [_open_run(row) for row in rows if row["old"] and shard_of(row["tenant_id"]) in shards]
            if len(rows) < PAGE_ROWS:
                return
            last = rows[-1]["tenant_id"], rows[-1]["id"]

    async def reported(self, shards: Collection[int]) -> list[OpenRun]:
        """Return the open runs of these shards that have a problem."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id, id, run_id, planned, problem from open_runs where problem is not null"
            )
            rows = await cursor.fetchall()
        return [_open_run(row) for row in rows if shard_of(row["tenant_id"]) in shards]

    async def open_after(self, last: tuple[str, str], limit: int) -> list[OpenRun]:
        """Return the next open runs after a tenant and an id, of all shards, in the order of both."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id, id, run_id, planned, problem from open_runs where (tenant_id, id) > (%s, %s)"
                " order by tenant_id, id limit %s",
                (*last, limit),
            )
            return [_open_run(row) for row in await cursor.fetchall()]

    async def report(self, tenant: str, id_: str, problem: RunProblem | None) -> None:
        """Write the problem of an open run, or that it has none any more. A graver one that is there stays; `since` is when the
        same problem was first seen.
        """
        columns = await Columns.of(self._database, tenant)
        values = {
            "tenant": tenant, "id": id_, "key": problem.key if problem else None,
            "problem": seal_problem(columns, id_, problem.to_json() if problem else None),
            "graver": _graver(problem),
        }  # fmt: skip
        async with self._database.transaction() as connection, connection.pipeline():
            await connection.execute("select set_config('app.tenant_id', %s, true)", (tenant,))
            await connection.execute(WRITE_PROBLEM, values)
            await connection.execute(NOTE_PROBLEM, values)

    async def due(self, shards: Collection[int], limit: int) -> list[DueRun]:
        """Return runs of these shards whose next try is due, the most overdue first."""
        async with self._database.transaction() as connection:
            cursor = await connection.execute(
                "select tenant_id, id, run_id, attempts from projector_retries where next_try <= now()"
                " order by next_try limit %s",
                (limit * 4,),
            )
            rows = await cursor.fetchall()
        due = [DueRun(row["tenant_id"], row["id"], row["run_id"], row["attempts"]) for row in rows]
        return [each for each in due if shard_of(each.tenant) in shards][:limit]

    async def drop_retry(self, run: DueRun) -> None:
        """Read a run no more: Temporal has no record of it, or a later run has its id."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "delete from projector_retries where tenant_id = %s and id = %s", (run.tenant, run.id)
            )

    async def postpone(self, runs: Sequence[DueRun]) -> None:
        """Try these once more a minute from now, so that others get their turn."""
        async with self._database.transaction() as connection:
            await connection.cursor().executemany(
                "update projector_retries set next_try = now() + interval '1 minute' where tenant_id = %s and id = %s",
                [(run.tenant, run.id) for run in runs],
            )


async def stuck_summary(database: Database) -> StuckSummary:
    """Return how many runs of all tenants are stuck or set aside. Raise DatabaseUnavailable."""
    async with database.transaction() as connection:
        cursor = await connection.execute(
            "select problem, count(*) as runs, min(problem_since) as since from open_runs where problem is not null"
            " group by problem"
        )
        rows = await cursor.fetchall()
        aside = await (
            await connection.execute("select count(*) as runs from projector_retries where kind = 'set_aside'")
        ).fetchone()
    return StuckSummary(
        causes={kind_of(row["problem"]): row["runs"] for row in rows},
        since=min((row["since"] for row in rows), default=None),
        set_aside=aside["runs"] if aside else 0,
    )


def _open_run(row: dict[str, Any]) -> OpenRun:
    return OpenRun(row["tenant_id"], row["id"], row["run_id"], row["planned"], row["problem"])


def _graver(problem: RunProblem | None) -> list[str]:
    """Return the kinds of problems that this one does not take the place of."""
    return list(KINDS[: KINDS.index(problem.kind)]) if problem else []
