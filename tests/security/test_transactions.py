"""Transactions that belong to no tenant each have a reason, and none of any pool runs without end."""

import ast
import inspect
import re
from pathlib import Path
from typing import Final

from api.dependencies import Dependencies
from runtime.platform.postgres import Database

CROSSING: Final = {
    "pending": "table of migrations",
    "Database.ping": "select 1",
    "Database.check_role": "the role itself",
    "DeletionStore.due": "deletion_queue",
    "DeletionStore.delete_tenant_rows": "names of tables",
    "ExecutionStore.write_batch": "sets the tenant of each part of the batch itself",
    "ProjectionState.position": "projector_position",
    "ProjectionState.save_position": "projector_position",
    "ProjectionState.open_runs": "open_runs",
    "ProjectionState.reported": "open_runs",
    "ProjectionState.open_after": "open_runs",
    "ProjectionState.report": "open_runs; sets the tenant itself",
    "ProjectionState.due": "projector_retries",
    "ProjectionState.drop_retry": "projector_retries",
    "ProjectionState.postpone": "projector_retries",
    "stuck_summary": "open_runs: numbers by kind and cause",
    "Collector._enter_tenants": "retention_due, projector_tenants",
    "Collector._take_tenant": "retention_due",
    "RollupBackfill.tenants": "projector_tenants",
    "earlier_connections": "pg_stat_activity or a table without tenant data",
    "TenantDataKeys.tenants": "tenant_sealing",
    "TenantStore.page": "tenant_sealing: ids alone; the rows are read tenant by tenant",
    "Resealer._due": "tenant_sealing",
    "Resealer._note": "tenant_sealing",
    "RunEnds.write": "sets the tenant of each part of the batch itself",
    "RunEnds.read": "sets the tenant of each part of the batch itself",
    "RegistrationStore.due_tenants": "registration_tenants",
    "ScheduleStore.installation": "installation",
    "ScheduleStore.changed_tenants": "schedule_changes",
    "ScheduleStore.tenants": "schedule_tenants",
}
"""What opens a transaction that belongs to no tenant -> the tables without tenant data that it reads or writes there."""
ROOT: Final = Path(__file__).resolve().parents[2]


def without_tenant() -> set[str]:
    """Return every function of ours that calls `database.transaction()`."""
    found: set[str] = set()

    def walk(node_: ast.AST, names: tuple[str, ...]) -> None:
        for child in ast.iter_child_nodes(node_):
            named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if isinstance(child, ast.Call) and ast.unparse(child.func).endswith(
                ("database.transaction", "self.transaction")
            ):
                found.add(".".join(names))
            walk(child, (*names, child.name) if named else names)  # type: ignore[attr-defined]  # `named` says so

    for folder in ("api", "cli", "service", "runtime"):
        for path in (ROOT / folder).rglob("*.py"):
            walk(ast.parse(path.read_text(encoding="utf-8")), ())
    return found


def test_each_transaction_that_belongs_to_no_tenant_has_its_reason() -> None:
    assert without_tenant() == set(CROSSING)


async def test_no_statement_of_any_pool_runs_without_end(dependencies: Dependencies) -> None:
    """The pools of an API process; each transaction of a pool begins with its time-out."""
    pools = {name: each for name, each in vars(dependencies).items() if isinstance(each, Database)}
    pools["reads"] = dependencies.executions._database  # no other way leads to the pool of reports
    assert set(pools) == {"database", "background", "reads"}
    for name, pool in pools.items():
        for transaction in (pool.transaction(), pool.tenant_transaction("acme")):
            async with transaction as connection:
                row = await (
                    await connection.execute("select current_setting('statement_timeout') as limit")
                ).fetchone()
            assert row is not None
            assert re.fullmatch(r"[1-9][0-9]*(ms|s|min)", row["limit"]), name


def test_a_pool_has_a_time_out_even_where_none_is_given() -> None:
    assert 0 < inspect.signature(Database).parameters["statement_timeout"].default <= 60
