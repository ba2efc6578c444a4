"""An installation of an earlier version upgrades in place: its rows stay, and are summed in the background."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring, new_master_key
from runtime.platform.migrate import FOLDER, migrate
from runtime.platform.postgres import Database
from service.execution_rows import ExecutionRow, UsageRow
from service.execution_store import ExecutionStore, Filter
from service.figure_series import read_series
from service.projection.state import ProjectionState
from service.rollups import RollupBackfill

RUNS = 400
BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
INSERT_RUNS = """
    insert into workflow_executions (tenant_id, id, run_id, template_key, plan_hash, trigger_kind, status, started_at,
        closed_at, steps, user_id)
    select t, t || ':k:' || lpad(n::text, 4, '0'), 'r' || n, 'k' || n %% 3, 'h', 'api',
        case when n %% 10 = 0 then 'running' when n %% 10 = 1 then 'failed' else 'completed' end,
        %(began)s + n * interval '1 minute',
        case when n %% 10 > 0 then %(began)s + n * interval '1 minute' + interval '100 ms' end, 3, 'u'
    from generate_series(1, %(runs)s) n, unnest(array['old', 'older']) t"""
INSERT_USAGE = """
    insert into agent_utilization (tenant_id, execution_id, sequence, agent, node, requests, input_tokens, output_tokens,
        duration_ms, status, occurred_at)
    select tenant_id, id, n, 'analyst', 'Agent', 1, 10, 5, 7, 'success', closed_at
    from workflow_executions, generate_series(0, 1) n where closed_at is not null"""


def database_before(migration: str, embedded: EmbeddedProfile, folder: Path) -> str:
    """The owner's address of a new database that has every migration before this one."""
    admin, name = embedded.addresses.database_admin_url, f"before_{migration}"
    assert admin is not None
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name}".encode())
        connection.execute(f"create database {name}".encode())
    admin = f"{admin.rpartition('/')[0]}/{name}"
    for path in FOLDER.glob("*.sql"):
        if path.name < migration:
            shutil.copy(path, folder)
    migrate(admin, folder=folder)
    return admin


@pytest.fixture
async def upgraded(embedded: EmbeddedProfile, tmp_path: Path) -> AsyncIterator[Database]:
    """A database that was at migration 0011 with data, and then was migrated."""
    admin, app = database_before("0012", embedded, tmp_path), embedded.addresses.database_url
    with psycopg.connect(admin) as connection:
        connection.execute("insert into tenants (id) values ('old'), ('older')")
        connection.execute("insert into projector_tenants values ('old'), ('older')")
        connection.execute("insert into projector_state (seen_until) values (%s)", (BEGAN,))
        connection.execute(INSERT_RUNS, {"began": BEGAN, "runs": RUNS})
        connection.execute(INSERT_USAGE)
    migrate(admin)
    async with Database(f"{app.rpartition('/')[0]}/before_0012", keys=Keyring([new_master_key()])) as database:
        yield database


def again(number: int, status: str = "completed") -> ExecutionRow:
    """A run of the earlier version as it is written once more."""
    began = BEGAN + timedelta(minutes=number)
    closed = None if status == "running" else began + timedelta(milliseconds=100)
    usage = [UsageRow("analyst", "Agent", None, 10, 5, 7, "success", began) for _ in range(2)]
    return ExecutionRow(
        "old", f"old:k:{number:04}", f"r{number}", f"k{number % 3}", "h", "api", status, began, closed, step_count=3,
        steps=[], usage=usage,
    )  # fmt: skip


async def test_rows_of_an_earlier_version_are_summed_beside_what_is_written(upgraded: Database) -> None:
    """Each run counts once, whether it is written again before or after its sum, or for the first time meanwhile."""
    store, backfill = ExecutionStore(upgraded), RollupBackfill(upgraded)
    before = await store.metrics("old", None)
    assert (before.complete, before.overall["total"]) == (False, 0)
    assert await backfill.tenants() == ["old", "older"]
    assert await backfill.step("old", rows=150)
    await store.write(
        "old", [again(3), again(10), again(399), again(900)]
    )  # summed; summed and now closed; not yet; new
    while await backfill.step("old", rows=150):
        pass
    await store.write("old", [again(3), again(399), again(900)])
    metrics = await store.metrics("old", None)
    assert metrics.complete
    assert metrics.overall["total"] == RUNS + 1
    assert (metrics.overall["running"], metrics.overall["failed"]) == (RUNS // 10 - 1, RUNS // 10)
    assert metrics.overall["steps"] == 3 * (RUNS + 1)
    assert metrics.overall["p95_ms"] == pytest.approx(100, rel=0.05)
    assert metrics.overall["mean_ms"] == pytest.approx(100)
    (agent,) = metrics.agents
    ended = RUNS + 1 - (RUNS // 10 - 1)
    assert (agent["runs"], agent["requests"], agent["input_tokens"]) == (ended, 2 * ended, 20 * ended)
    series = await read_series(upgraded, "old", 1, now=BEGAN + timedelta(hours=20))
    assert sum(map(sum, series.runs.values())) == RUNS + 1
    assert {name: sum(line) for name, line in series.agents.tokens.items()} == {"analyst": 30 * ended}
    assert sum(map(sum, series.templates.tokens.values())) == 30 * ended
    assert set(series.templates.tokens) == {"k0", "k1", "k2"}
    assert await backfill.tenants() == ["older"]


async def test_open_runs_and_the_position_of_an_earlier_version_are_taken_over(upgraded: Database) -> None:
    """The projector goes on where the earlier one was, and knows which rows are open."""
    while tenants := await (backfill := RollupBackfill(upgraded)).tenants():
        for tenant in tenants:
            while await backfill.step(tenant):
                pass
    state = ProjectionState(upgraded)
    shards = range(16)
    assert await state.position(shards) == BEGAN
    found = [run async for page in state.open_runs(shards, timedelta(0)) for run in page]
    assert len(found) == 2 * RUNS // 10
    assert {run.tenant for run in found} == {"old", "older"}


@pytest.mark.parametrize("filter_", [Filter(user_id="u"), Filter(status="failed"), Filter(problem=False)])
async def test_lists_of_an_earlier_version_can_be_filtered(upgraded: Database, filter_: Filter) -> None:
    """Every row is there after the upgrade, and found."""
    assert len(await ExecutionStore(upgraded).page("old", filter_)) > RUNS // 10 - 1


async def test_a_new_tenant_has_nothing_to_sum(upgraded: Database) -> None:
    """Its first run counts at once."""
    async with upgraded.tenant_transaction("new") as connection:
        await connection.execute("insert into tenants (id) values ('new')")
    row = ExecutionRow("new", "new:k:1", "r", "k", "h", "api", "running", BEGAN)
    store = ExecutionStore(upgraded)
    for status in ("running", "running", "completed"):
        await store.write("new", [ExecutionRow(**(row.__dict__ | {"status": status}))])
        metrics = await store.metrics("new", None)
        assert (metrics.overall["total"], metrics.overall[status], metrics.complete) == (1, 1, True)
    await store.write("new", [ExecutionRow(**(row.__dict__ | {"empty": True}))])
    assert (await store.metrics("new", None)).overall["total"] == 0


def test_a_tenant_that_was_left_out_of_the_sealing_is_in_it_after_the_upgrade(
    embedded: EmbeddedProfile, tmp_path: Path
) -> None:
    """Tenant * as the first row of the operator's audit log made it, until migration 0026."""
    admin = database_before("0026", embedded, tmp_path)
    with psycopg.connect(admin) as connection:
        connection.execute("insert into tenants (id) values ('*'), ('other')")
        connection.execute("insert into tenant_sealing (tenant_id, sealed_at) values ('other', now())")
    migrate(admin)
    with psycopg.connect(admin) as connection:
        rows = connection.execute("select tenant_id, sealed_at is null from tenant_sealing order by 1").fetchall()
    assert rows == [("*", True), ("other", False)]


def test_what_templates_used_before_it_was_summed_is_summed_by_the_upgrade_or_by_the_back_fill(
    embedded: EmbeddedProfile, tmp_path: Path
) -> None:
    """Each request once: of a tenant whose rows are all summed at once, of another as its rows are reached."""
    admin = database_before("0035", embedded, tmp_path)
    with psycopg.connect(admin) as connection:
        connection.execute("insert into tenants (id) values ('old'), ('older')")
        connection.execute(
            "insert into projector_tenants (tenant_id, rollup_position) values ('old', null), ('older', '')"
        )
        connection.execute(INSERT_RUNS, {"began": BEGAN, "runs": 30})
        connection.execute(INSERT_USAGE)
    migrate(admin)
    with psycopg.connect(admin) as connection:
        sums = connection.execute(
            "select tenant_id, template_key, sum(requests), sum(input_tokens), sum(failed) from template_usage_rollups"
            " group by 1, 2 order by 1, 2"
        ).fetchall()
    assert sums == [("old", f"k{key}", 18, 180, 0) for key in range(3)]
