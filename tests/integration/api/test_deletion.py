"""Deletion of templates and tenants: nothing starts any more at once, nothing is left in the end, and nobody else notices."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from litestar import Litestar
from psycopg import sql
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from api.dependencies import Dependencies
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring
from runtime.platform.postgres import SHARED
from schemas import names
from service.deleter import Deleter
from service.deletion_store import Deletion, DeletionStore
from service.model_spending import ModelSpending, Spent
from service.publishing import publish
from service.tenants import TenantStore
from tests.exports import export, node, set_
from tests.service import client, ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")

LARGE = {"text": "x" * 100_000}
"""More than a history carries: stored as a payload."""
HOURLY = {"rule": {"interval": [{"field": "hours"}]}}
TABLES = """
    select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id'"""
BY_HAND = (
    "insert into static_data (tenant_id, template_key, data) values (%(tenant)s, 'shop', '{}')",
    "insert into seen_values (tenant_id, scope, list) values (%(tenant)s, 'shop/Node', '[]')",
    "insert into kept_results (tenant_id, key, result) values (%(tenant)s, 'k', '{}')",
    "insert into test_listeners (tenant_id, template_key, plan_hash, expires_at) values (%(tenant)s, 'shop', 'x', now())",
    "insert into start_keys (tenant_id, template_key, key_digest, request_digest) values (%(tenant)s, 'shop', 'k', sha256('k'))",
    "insert into retention_due (tenant_id, due_at, retention) values (%(tenant)s, now() + '1 day', '30 days') on conflict do nothing",
    "insert into run_slots (tenant_id, key, workflow_id) values (%(tenant)s, 'k', %(tenant)s || ':shop:gone')",
    "insert into chat_memory (tenant_id, session_key, message) values (%(tenant)s, 's', '{}')",
    "insert into vector_documents (tenant_id, store_key, document_id, document) values (%(tenant)s, 's', 'd', '{}')",
    "insert into model_spending (tenant_id, scope, key) values (%(tenant)s, 'run', 'r')",
    "insert into variables (tenant_id, key, value) values (%(tenant)s, 'v', 'v')",
    "insert into data_tables (tenant_id, id, name, columns, created_at, updated_at) values (%(tenant)s, 't', 't', '[]', '', '')",
    "insert into data_table_rows (tenant_id, table_id, id, row) values (%(tenant)s, 't', 1, '{}')",
)


def shop(path: str) -> dict[str, Any]:
    """A template that starts by REST, by a webhook and by a schedule, and waits."""
    start, before = node("Start", "manualTrigger"), set_("Before", reached="yes")
    wait = node("Wait", "wait", 1.1, resume="timeInterval", amount=600, unit="seconds")
    made = export("Shop", start, before, wait)
    made["nodes"] += [
        node("Hook", "webhook", 2, path=path, httpMethod="POST", options={}),
        node("Every", "scheduleTrigger", 1.2, **HOURLY),
    ]
    made["connections"]["Hook"] = made["connections"]["Start"]
    return made


def attributes(tenant: str) -> TypedSearchAttributes:
    """Those of a run of the template."""
    values = {names.TENANT_ID: tenant, names.TEMPLATE_KEY: "shop"}
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items()]
    )


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class Shops:
    """Two tenants with the same template, runs of it, and the deleter of one of them."""

    dependencies: Dependencies
    admin: str
    doomed: str
    bob: str
    clients: dict[str, httpx.AsyncClient]
    deleters: list[Deleter] = field(default_factory=list)

    async def open(self, tenant: str) -> None:
        """Publish, run once to an end with a large payload, and leave a run open."""
        acting = self.clients[tenant]
        answer = await acting.post("/templates", params={"key": "shop"}, json=shop("buy"))
        assert answer.status_code == 201, answer.text
        quick = export("Quick", node("Start", "manualTrigger"), set_("Set", a="b"))
        assert (await acting.post("/templates", params={"key": "quick"}, json=quick)).status_code == 201
        await ended(acting, await started(acting, "quick", LARGE))
        await started(acting, "shop", LARGE)
        await acting.post(f"/webhook/{tenant}/buy", json={})

        async def shown() -> bool:
            items = (await acting.get("/workflows")).json()["items"]
            states = sorted((each["workflow_template"], each["status"]) for each in items)
            return states == [("quick", "completed"), ("shop", "running"), ("shop", "running")]

        await eventually(shown)
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for statement in BY_HAND:
                connection.execute(statement.encode(), {"tenant": tenant})
        await self.dependencies.credentials.put(tenant, "httpBasicAuth", "c", {"user": "u"})

    def rows(self, tenant: str) -> dict[str, int]:
        """Count the rows of a tenant in every table, as the owner, whom no policy binds."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            tables = [name for (name,) in connection.execute(TABLES.encode()).fetchall()]
            counts = {}
            for name in (*tables, "tenants"):
                column = "id" if name == "tenants" else "tenant_id"
                query = sql.SQL("select count(*) from {} where {} = %s").format(
                    sql.Identifier(name), sql.Identifier(column)
                )
                row = connection.execute(query, (tenant,)).fetchone()
                counts[name] = row[0] if row else 0
        return {name: count for name, count in counts.items() if count}

    async def in_temporal(self, tenant: str, template: str | None = None) -> list[str]:
        """List runs and schedules of a tenant, or of one of its templates."""
        query = f'TenantId = "{tenant}"' + (f' AND TemplateKey = "{template}"' if template else "")
        runs = [each.id async for each in self.dependencies.temporal.list_workflows(query)]
        prefix = f"{tenant}:{template}:" if template else f"{tenant}:"
        listed = [each.id async for each in await self.dependencies.temporal.list_schedules()]
        return runs + [each for each in listed if each.startswith(prefix)]

    def deleter(self, quiet: float = 0) -> Deleter:
        settings = self.dependencies.settings
        assert settings.database_url is not None
        made = Deleter(
            self.dependencies.temporal,
            self.dependencies.database,
            self.dependencies.blobs,
            self.dependencies.credentials,
            settings.queue_of,
            settings.database_url.get_secret_value(),
            timedelta(seconds=quiet),
        )
        self.deleters.append(made)
        return made

    async def work(self, deleter: Deleter) -> None:
        """Let it be everybody's turn, and work."""
        async with self.dependencies.database.transaction() as connection:
            await connection.execute("update deletion_queue set next_try = now() - interval '1 second'")
        await deleter.work()

    async def finish(self, tenant: str, key: str = "") -> None:
        """Work until the deletion is over."""
        store, deleter = DeletionStore(self.dependencies.database), self.deleter(quiet=2)

        async def over() -> bool:
            await self.work(deleter)
            return await store.get(tenant, key) is None

        await eventually(over)


@pytest.fixture
async def shops(
    application: Litestar, dependencies: Dependencies, embedded: EmbeddedProfile, keys: Keyring
) -> AsyncIterator[Shops]:
    """Two new tenants, whose templates have runs."""
    suffix = uuid.uuid4().hex[:8]
    admin = embedded.addresses.database_admin_url
    assert admin is not None
    made = Shops(dependencies, admin, f"doomed-{suffix}", f"bob-{suffix}", {})
    store = TenantStore(dependencies.database, keys)
    for tenant in (made.doomed, made.bob):
        await store.create(tenant)
        made.clients[tenant] = client(application, await store.issue(tenant))
        await made.open(tenant)
    yield made
    for tenant in (made.doomed, made.bob):
        await DeletionStore(dependencies.database).request_tenant(tenant)
        await made.finish(tenant)
        await made.clients[tenant].aclose()
    for deleter in made.deleters:
        await deleter.close()


async def test_a_deleted_template_starts_nothing_from_then_on_and_leaves_nothing(shops: Shops) -> None:
    """Its open runs, histories, schedules, payloads and rows go; other templates and other tenants keep theirs."""
    doomed, bob = shops.clients[shops.doomed], shops.clients[shops.bob]
    before, others = shops.rows(shops.bob), await shops.in_temporal(shops.bob)
    assert len(await shops.in_temporal(shops.doomed, "shop")) == 3, "two runs and a schedule"
    open_runs = (await doomed.get("/workflows", params={"status": "running"})).json()["items"]
    assert [each["workflow_template"] for each in open_runs] == ["shop", "shop"]
    answer = await doomed.delete("/templates/shop")
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "deleting"
    spending, run = ModelSpending(shops.dependencies.database), open_runs[0]["workflow_id"]
    places = [("step", f"{run}/A/B/0"), ("run", run), ("day", "2026-01-01")]
    await spending.add(shops.doomed, places, Spent(turns=1))
    start = await doomed.post("/workflows/start", json={"workflow_template": "shop"})
    assert start.status_code == 404, start.text
    assert (await doomed.post(f"/webhook/{shops.doomed}/buy", json={})).status_code == 404
    assert (await doomed.get("/templates/shop/schedules")).status_code == 404
    again = await doomed.post("/templates", params={"key": "shop"}, json=shop("buy"))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/being-deleted")
    assert (await doomed.delete("/templates/shop")).status_code == 202
    await shops.finish(shops.doomed, "shop")
    assert (await doomed.delete("/templates/shop")).status_code == 404

    async def ended_all() -> bool:
        left = await shops.in_temporal(shops.doomed, "shop")
        query = f'TenantId = "{shops.doomed}" AND TemplateKey = "shop" AND ExecutionStatus = "Running"'
        running = [each.id async for each in shops.dependencies.temporal.list_workflows(query)]
        return not running and not any(each.endswith(":Every:0") for each in left)

    await eventually(ended_all)
    runs = (await doomed.get("/workflows")).json()["items"]
    assert [each["workflow_template"] for each in runs] == ["quick"]
    result = await doomed.get(f"/workflows/{runs[0]['workflow_id']}/result")
    assert result.status_code == 200, "its payload is its own"
    assert set(await spending.of(shops.doomed, places)) == {"day"}, "a day is the tenant's"
    assert shops.rows(shops.bob) == before
    assert await shops.in_temporal(shops.bob) == others
    assert (await bob.post(f"/webhook/{shops.bob}/buy", json={})).status_code == 200
    assert (await doomed.post("/templates", params={"key": "shop"}, json=shop("buy"))).status_code == 201


async def test_no_table_and_nothing_in_temporal_names_a_deleted_tenant(shops: Shops) -> None:
    """Every table that has a tenant_id is looked at, also one that does not exist today."""
    empty = {"deletions", "deletion_queue", "agent_utilization", "schedule_changes", "api_keys"}
    counts = shops.rows(shops.doomed)
    assert {"workflow_executions", "workflow_events", "payloads", "payload_uses", "schedules", "webhooks"} <= set(
        counts
    )
    assert len(counts) > 18, empty
    others, before = await shops.in_temporal(shops.bob), shops.rows(shops.bob)
    await DeletionStore(shops.dependencies.database).request_tenant(shops.doomed, "operator")
    acting = shops.clients[shops.doomed]

    async def refused() -> bool:
        return (await acting.get("/templates")).status_code == 401

    await eventually(refused)
    assert (await acting.post(f"/webhook/{shops.doomed}/buy", json={})).status_code == 404
    await shops.finish(shops.doomed)
    assert shops.rows(shops.doomed) == {}
    assert await shops.dependencies.credentials.names(shops.doomed) == []

    async def gone() -> bool:
        return await shops.in_temporal(shops.doomed) == []

    await eventually(gone, 90)
    assert (shops.rows(shops.bob), await shops.in_temporal(shops.bob)) == (before, others)


async def test_a_deletion_goes_on_where_a_killed_process_left_it(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after each of its steps in turn, it ends as if nothing had happened."""
    await DeletionStore(shops.dependencies.database).request_tenant(shops.doomed)
    for step in ("_delete_schedules", "_delete_runs", "_delete_credentials", "_delete_rows"):
        real, kills = getattr(Deleter, step), list[str]()

        async def killed(self: Deleter, deletion: Deletion, until: Any, real: Any = real, kills: Any = kills) -> bool:
            done: bool = await real(self, deletion, until)
            if done and deletion.tenant == shops.doomed:
                kills.append(deletion.tenant)
                raise KilledError
            return done

        monkeypatch.setattr(Deleter, step, killed)
        killable = shops.deleter()
        for _ in range(200):
            with contextlib.suppress(KilledError):
                await shops.work(killable)
            if kills:
                break
        assert kills, step
        monkeypatch.setattr(Deleter, step, real)
    await shops.finish(shops.doomed)
    assert shops.rows(shops.doomed) == {}


async def test_a_start_that_was_under_way_is_found_by_a_later_pass(shops: Shops) -> None:
    """The deletion is not over before no process can have the version in memory any more."""
    store, deleter = DeletionStore(shops.dependencies.database), shops.deleter(quiet=3600)
    await store.request_template(shops.doomed, "shop")

    async def waits() -> bool:
        await shops.work(deleter)
        deletion = await store.get(shops.doomed, "shop")
        assert deletion is not None
        return deletion.progress.startswith("waiting")

    await eventually(waits)
    late = f"{shops.doomed}:shop:late"
    temporal = shops.dependencies.temporal
    await temporal.start_workflow(
        "shop", {"tenant": shops.doomed}, id=late, task_queue="nobody", search_attributes=attributes(shops.doomed)
    )

    async def listed() -> bool:
        return late in await shops.in_temporal(shops.doomed, "shop")

    await eventually(listed)
    await shops.finish(shops.doomed, "shop")

    async def gone() -> bool:
        return not await listed()

    await eventually(gone, 90)


async def test_an_error_of_one_deletion_is_shown_and_delays_no_other(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vault refuses for one tenant: that deletion says so and waits, the other tenant's ends."""
    real = type(shops.dependencies.credentials).names

    async def refusing(self: Any, tenant: str) -> list[tuple[str, str]]:
        if tenant == shops.doomed:
            raise RuntimeError("Vault is sealed")
        return await real(self, tenant)

    monkeypatch.setattr(type(shops.dependencies.credentials), "names", refusing)
    store, deleter = DeletionStore(shops.dependencies.database), shops.deleter()
    await store.request_tenant(shops.doomed)
    await store.request_tenant(shops.bob)

    async def settled() -> bool:
        await shops.work(deleter)
        stuck = await store.get(shops.doomed)
        return await store.get(shops.bob) is None and stuck is not None and stuck.error is not None

    await eventually(settled)
    assert shops.rows(shops.bob) == {}
    stuck = await store.get(shops.doomed)
    assert stuck is not None
    assert stuck.error == "RuntimeError: Vault is sealed"
    monkeypatch.undo()
    await shops.finish(shops.doomed)


async def test_only_the_operator_deletes_what_the_operator_shares(
    shops: Shops, acme: httpx.AsyncClient, keys: Keyring
) -> None:
    """A shared template is 403 for a tenant; one of another tenant and one that never was are 404, and change nothing."""
    assert (await acme.delete("/templates/nothing")).status_code == 404
    assert (await acme.delete("/templates/shop")).status_code == 404
    doomed, database = shops.clients[shops.doomed], shops.dependencies.database
    params = {"template": "shop", "status": "running"}
    assert len((await doomed.get("/workflows", params=params)).json()["items"]) == 2
    await TenantStore(database, keys).create(SHARED)
    quick = export("Offered", node("Start", "manualTrigger"), set_("Set", a="b"))
    compiled = compile_export(json.dumps(quick).encode(), file="offered.json", catalog=CATALOG)
    await publish(shops.dependencies.store, SHARED, "offered", compiled)
    assert (await doomed.delete("/templates/offered")).status_code == 403
    assert await DeletionStore(database).request_template(SHARED, "offered") is not None
    assert (await doomed.delete("/templates/offered")).status_code == 404
    await shops.finish(SHARED, "offered")
