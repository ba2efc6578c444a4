"""Every function of `service/` that takes a tenant, run while Postgres thinks that no tenant is set, or another one.

Whatever its SQL says, row-level security then leaves it nothing to read and nothing to change.
"""

from collections.abc import AsyncIterator
from typing import Final

import psycopg
import pytest

from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.keys import Keyring
from runtime.platform.pg_locks import SessionLocks
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.scheduler import lock_name
from service.templates import TemplateStore
from service.tenants import TenantStore
from tests.security.repositories import (
    EXEMPT,
    MINE,
    NAME,
    OTHER,
    Misdirected,
    Rehearsal,
    Target,
    World,
    body,
    discovered,
    is_nothing,
    snapshot,
    targets,
)
from tests.security.test_row_level_security import ROW, insert

QUIET: Final = {
    "refuse_deleted": "raises only while something is being deleted",
    "TenantStore.create": "the tenant exists",
    "insert_tenant": "the tenant exists",
    "AuditLog.expire": "nobody may delete a row of the last day",
    "TemplateStore.notes": "the export has no sticky note",
    "RunTemplates.variables": "the plan reads none",
    "RunTemplates.static_data": "the plan reads none",
    "RegistrationStore.finish_turn": "the tenant is not in the queue in the state that this test makes",
    "ScheduleStore.queue_waiting": "the tenant is in the queue",
    "ScheduleStore.finish_turn": "the tenant is not in the queue in the state that this test makes",
    "ScheduleStore.remove_tenant": "the tenant has schedules",
    "DeletionStore.postpone": "the tenant is not in the queue of deletions",
}
"""What neither returns nor changes anything when it is called as it should be, and why."""
ENDLESS: Final = {
    "Collector.collect_tenant": "deletes until nothing is left, which never comes while its deletions are undone",
}
"""What cannot be rehearsed, and why."""


DEFAULTS: Final = {
    "TemplateStore.settings": "the settings of a workflow without any",
    "read_metrics": "sums of zero",
    "ExecutionStore.metrics": "sums of zero",
    "RunTemplates.find": "the words of an error",
    "TenantDataKeys.status": "a tenant with neither keys nor rows",
}
"""What answers for nobody with an object of its own, which is another than the tenant gets."""


TARGETS = targets()
REHEARSED = [each for each in TARGETS if each.name not in ENDLESS]


SEED: Final = (
    "update test_listeners set expires_at = now() + interval '1 hour', plan_hash = %(plan)s where tenant_id = %(tenant)s",
    (
        "insert into workflow_executions (tenant_id, id, template_key, plan_hash, trigger_kind, status, started_at, error)"
        " values (%(tenant)s, 'failed', 'k', 'h', 'api', 'failed', now(), json_build_object('message', 'no'))"
    ),
    "insert into schedules (tenant_id, id, template_key, node, spec) values (%(tenant)s, 'gone', 't', 'n', null)",
    "insert into trigger_registrations (tenant_id, id, template_key, node) values (%(tenant)s, 'gone:n', 'gone', 'n')",
    "update trigger_registrations set wanted = '{\"x\": 1}', applied = '{\"x\": 1}' where tenant_id = %(tenant)s",
    (
        "insert into vector_documents (tenant_id, store_key, document_id, document)"
        " values (%(tenant)s, 's', 'e', json_build_object('document', 1, 'vector', ''))"
    ),
    "insert into deletions (tenant_id, template_key) values (%(tenant)s, 'other')",
    (
        "update workflow_executions set closed_at = now() - interval '1 hour', user_id = 'u', error = '{\"x\": 1}',"
        ' problem = \'{"message": "m"}\' where tenant_id = %(tenant)s'
    ),
    "update workflow_events set error = '{\"x\": 1}' where tenant_id = %(tenant)s",
    (
        "insert into workflow_templates (tenant_id, key, version, name, plan_hash, plan, export)"
        " values (%(tenant)s, 'clear', 1, 'n', 'h', '{}', '{}')"
    ),
    "update static_data set data = '{\"x\": 1}' where tenant_id = %(tenant)s",
    "insert into chat_memory (tenant_id, session_key, message) values (%(tenant)s, 's', '{\"x\": 1}')",
    "insert into plans (tenant_id, hash, plan) values (%(tenant)s, 'unused', '{}')",
    "update tenants set egress_allow = '{10.0.0.0/8}' where id = %(tenant)s",
    (
        "insert into run_rollups (tenant_id, hour, template_key, status, duration_bucket, runs, steps, duration_ms)"
        " values (%(tenant)s, date_trunc('hour', now()), 'k', 'completed', 10, 1, 1, 5)"
    ),
    (
        "insert into template_usage_rollups"
        " (tenant_id, hour, template_key, requests, failed, input_tokens, output_tokens, cost_usd)"
        " values (%(tenant)s, date_trunc('hour', now()), 'k', 1, 0, 1, 1, 0.5)"
    ),
    (
        "insert into agent_rollups"
        " (tenant_id, hour, agent, runs, requests, failed, input_tokens, output_tokens, cost_usd, duration_ms)"
        " values (%(tenant)s, date_trunc('hour', now()), 'a', 1, 1, 0, 1, 1, 0.5, 1)"
    ),
)
"""What makes the rows of the other table test worth reading."""


@pytest.fixture(scope="module")
async def untouched(service: Settings) -> AsyncIterator[None]:
    """The tenants' schedules wait: the scheduler of an application that another file has started applies none of them."""
    assert service.database_url is not None
    locks = SessionLocks(service.database_url.get_secret_value())
    async with locks.hold(lock_name(MINE)) as mine, locks.hold(lock_name(OTHER)) as other:
        assert mine
        assert other
        yield
    await locks.close()


@pytest.fixture(scope="module")
async def world(service: Settings, database: Database, keys: Keyring, untouched: None) -> AsyncIterator[World]:
    """A tenant with a row in each table, and another one: a function that returns the attacker's rows is not safe either."""
    store = TenantStore(database, keys)
    for tenant in (MINE, OTHER):
        await store.create(tenant)
    plan = compile_export(body(), file="k.json", catalog=CATALOG).plan
    assert plan is not None
    await TemplateStore(database).publish(MINE, "k", plan, body())
    async with database.tenant_transaction(MINE) as connection:
        for table in ROW:
            await connection.execute(*insert(table, MINE))
        for statement in SEED:
            await connection.execute(statement.encode(), {"tenant": MINE, "plan": plan.id})
    async with database.tenant_transaction(OTHER) as connection:
        for table in ROW:
            await connection.execute(*insert(table, OTHER))
    await store.issue_key(OTHER, "theirs")
    made = World(service, keys, plan, (await store.issue_key(MINE, "mine")).key.id)
    yield made
    for tenant in (MINE, OTHER):
        async with database.tenant_transaction(tenant) as connection:  # no later test finds a key that nothing unwraps
            await connection.execute("delete from tenant_keys where wrapped = 'x'")


@pytest.fixture(scope="module")
async def pools(service: Settings, keys: Keyring) -> AsyncIterator[dict[str, Database]]:
    """Pools whose transactions are the attacker's, or nobody's."""
    assert service.database_url is not None
    url = service.database_url.get_secret_value()
    async with Misdirected(url, OTHER, keys) as foreign, Misdirected(url, "", keys) as unset:
        yield {OTHER: foreign, "": unset}


@pytest.fixture(scope="module")
async def rehearsal(service: Settings, keys: Keyring) -> AsyncIterator[Rehearsal]:
    """A pool that undoes everything."""
    assert service.database_url is not None
    async with Rehearsal(service.database_url.get_secret_value(), size=3, keys=keys) as opened:
        yield opened


@pytest.mark.parametrize("session", [OTHER, ""], ids=["foreign", "unset"])
@pytest.mark.parametrize("target", TARGETS, ids=[each.name for each in TARGETS])
async def test_with_another_tenant_or_none_nothing_is_returned_and_nothing_changes(
    world: World,
    database: Database,
    pools: dict[str, Database],
    rehearsal: Rehearsal,
    target: Target,
    session: str,
) -> None:
    """A refusal (`new row violates row-level security policy`, `there is no such row`) is as good as nothing."""
    before, misdirected = await snapshot(database), pools[session]
    try:
        result = await world.call(target, misdirected)
    except (psycopg.errors.InsufficientPrivilege, psycopg.IntegrityError):
        result = None
    if target.name in DEFAULTS:
        assert repr(result) != repr(await world.call(target, rehearsal))
        assert NAME not in repr(result)
    else:
        assert is_nothing(result), result
    assert await snapshot(database) == before


@pytest.mark.parametrize("target", REHEARSED, ids=[each.name for each in REHEARSED])
async def test_called_as_it_should_be_it_returns_or_changes_something(
    world: World, rehearsal: Rehearsal, target: Target
) -> None:
    """Otherwise the attack on it would show nothing."""
    rehearsal.changed = False
    result = await world.call(target, rehearsal)
    assert target.name in QUIET or not is_nothing(result) or rehearsal.changed, result


def test_functions_are_found_and_exceptions_exist() -> None:
    names = {each.name for each in TARGETS}
    assert len(names) > 70
    assert set(QUIET) | set(DEFAULTS) | set(ENDLESS) <= names
    assert set(EXEMPT) <= {name for each in discovered() for name in (each.name, each.owner and each.owner.__name__)}
