"""Published templates: immutable versions, and one pointer per key that says which version is current."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from psycopg.errors import UniqueViolation

from runtime.platform.postgres import SHARED, Connection, Database
from schemas.node import Catalog
from schemas.plan import Plan, Settings
from service.changes import CHANGES
from service.columns import Columns
from service.deletion_store import refuse_deleted
from service.export_metadata import author_description, author_metadata
from service.plan_store import plan_text, write_plan
from service.registration_store import registrations_of, write_registrations
from service.routes import Webhook
from service.schedule_store import write_schedules
from service.sticky_notes import StickyNote, sticky_notes_of
from service.template_records import Publication, Published, Summary, Version, WebhookConflict, describe, webhooks_of

__all__ = ["TemplateStore"]

MAX_CACHED_SETTINGS: Final = 1_000
"""Plans whose settings are in memory at once."""
MAX_CACHED_NOTES: Final = 200
"""Plans whose sticky notes are, 100 KB each at most."""
CURRENT: Final = """
    select t.tenant_id, t.key, t.version, t.plan_hash, t.plan::text as text, t.sealed_plan from current_templates c
    join workflow_templates t using (tenant_id, key, version)
    -- while a tenant's own template is being deleted, a shared one of the same key does not take its place
    where c.tenant_id in (%(tenant)s, '*') and not exists
        (select from deletions d where d.tenant_id = %(tenant)s and d.template_key in ('', c.key))"""
BY_KEY: Final = f"{CURRENT} and c.key = %(key)s order by (c.tenant_id = '*') limit 1".encode()
WORKFLOW_ID: Final = "coalesce(t.workflow_id, t.plan ->> 'workflow_id')"
BY_WORKFLOW: Final = f"""{CURRENT} and ({WORKFLOW_ID} = %(workflow)s or t.name = %(workflow)s)
    order by (t.tenant_id = '*'), ({WORKFLOW_ID} <> %(workflow)s), t.key limit 1""".encode()
INSERT: Final = """
    insert into workflow_templates
        (tenant_id, key, version, name, description, plan_hash, plan, sealed_plan, export, sealed_export, workflow_id,
        metadata, created_by)
    values (%(tenant)s, %(key)s, %(version)s, %(name)s, %(description)s, %(hash)s, %(plan)s, %(sealed_plan)s, %(export)s,
        %(sealed_export)s, %(workflow_id)s, %(metadata)s, %(by)s)"""


def _schedules_of(plan: Plan) -> list[tuple[str, str, str]]:
    """Return the rows (id within the template, node, specification as JSON) of a plan's schedules."""
    rows, counts = [], dict[str, int]()
    for each in plan.schedules:
        number = counts.get(each.node, 0)
        counts[each.node] = number + 1
        spec = {"timezone": plan.settings.timezone} | ({"kind": "poll"} if each.poll else {})
        rows.append((f"{each.node}:{number}", each.node, json.dumps(each.firing.to_json() | spec)))
    return rows


class TemplateStore:
    """Templates in Postgres. A tenant sees its own and the shared ones; its own win where the keys are equal.

    Args:
        database: where they are.
        upgrade: adds what plans of earlier versions lack, see `Published.upgrade`.
    """

    def __init__(self, database: Database, upgrade: Callable[[Plan], Plan] = lambda plan: plan) -> None:
        self._database = database
        self._upgrade = upgrade
        self._settings: dict[tuple[str, str], Settings] = {}
        self._notes: dict[tuple[str, str], tuple[StickyNote, ...]] = {}

    async def publish(
        self,
        tenant: str,
        key: str,
        plan: Plan,
        export: str | bytes | Mapping[str, Any],
        *,
        description: str = "",
        metadata: Mapping[str, Any] | None = None,
        created_by: str | None = None,
        active: bool = True,
    ) -> Publication:
        """Store `plan` as the next version of `key`, make it current, and listen at its webhooks, in one transaction.

        The same plan twice is one version. Shared templates (tenant '*') and those that are not `active` listen nowhere and have
        no schedules until somebody activates them.

        Raises:
            WebhookConflict: a route is another template's; nothing was changed.
            BeingDeletedError: the template or the tenant is being deleted.
            DatabaseUnavailable: Postgres does not answer.
        """
        columns = await Columns.of(self._database, tenant)
        clear_plan, sealed_plan = columns.pair(("plan", plan.id), plan.canonical())
        clear_export, sealed_export = columns.pair(("export", plan.id), _text(export))
        row = {
            "tenant": tenant, "key": key, "name": plan.name or key, "hash": plan.id, "plan": clear_plan,
            "sealed_plan": sealed_plan, "export": clear_export, "sealed_export": sealed_export,
            "workflow_id": plan.workflow_id, "metadata": json.dumps(_metadata(plan, _text(export)) | dict(metadata or {})),
            "description": description or author_description(_text(export)), "by": created_by,
        }  # fmt: skip
        async with self._database.tenant_transaction(tenant) as connection:
            await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{tenant}/{key}",))
            await refuse_deleted(connection, tenant, key)
            version, created = await _next_version(connection, tenant, key, plan.id)
            if created:
                await connection.execute(INSERT, row | {"version": version})
                await write_plan(connection, columns, tenant, plan)
            await _set_current(connection, tenant, key, version, active=active)
            begins = active and tenant != SHARED
            routes = webhooks_of(plan) if begins else []
            await _write_webhooks(connection, tenant, key, routes)
            await write_schedules(connection, tenant, key, _schedules_of(plan) if begins else [])
            registered = registrations_of(plan, key) if begins else []
            await write_registrations(connection, columns, tenant, key, registered)
            await connection.execute("select pg_notify(%s, %s)", (CHANGES, tenant))
        return Publication(key, version, plan.id, created, routes, bool(plan.schedules) and tenant != SHARED)

    async def activate(self, tenant: str, key: str, version: int | None = None) -> list[Webhook] | None:
        """Listen at the webhooks of a template, a shared one included, for this tenant.

        With `version`, that one of the tenant's own versions becomes current first. Return the routes; None: there is no
        such template or version.

        Raises:
            WebhookConflict: a route is another template's; nothing was changed.
            BeingDeletedError: the template or the tenant is being deleted.
        """
        columns = await Columns.of(self._database, tenant)
        async with self._database.tenant_transaction(tenant) as connection:
            await refuse_deleted(connection, tenant, key)
            if version is not None and not await _exists(connection, tenant, key, version):
                return None
            if version is not None:
                await _set_current(connection, tenant, key, version)
            template = await self._current_version(connection, tenant, key)
            if template is None:
                return None
            await connection.execute(
                "update current_templates set active = true where tenant_id = %s and key = %s", (tenant, key)
            )
            routes = webhooks_of(template.plan)
            await _write_webhooks(connection, tenant, key, routes)
            await write_schedules(connection, tenant, key, _schedules_of(template.plan))
            await write_registrations(connection, columns, tenant, key, registrations_of(template.plan, key))
            await connection.execute("select pg_notify(%s, %s)", (CHANGES, tenant))
        return routes

    async def deactivate(self, tenant: str, key: str) -> bool:
        """Stop listening at webhooks, those at vendors too, and starting by schedules; starts by REST and by other workflows still
        find the template.

        Return False when there is no such template.
        """
        columns = Columns(self._database.keys, tenant)
        async with self._database.tenant_transaction(tenant) as connection:
            if await self._current_version(connection, tenant, key) is None:
                return False
            await connection.execute(
                "update current_templates set active = false where tenant_id = %s and key = %s", (tenant, key)
            )
            await _write_webhooks(connection, tenant, key, [])
            await write_schedules(connection, tenant, key, [])
            await write_registrations(connection, columns, tenant, key, [])
            await connection.execute("select pg_notify(%s, %s)", (CHANGES, tenant))
        return True

    async def current(self, tenant: str, key: str) -> Published | None:
        """Return the version that a start of `key` by this tenant runs; None: there is no such template."""
        async with self._database.tenant_transaction(tenant) as connection:
            return await self._current_version(connection, tenant, key)

    async def summaries(self, tenant: str) -> list[Summary]:
        """Return every template that the tenant may start, by key."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select distinct on (t.key) t.tenant_id, t.key, t.version, t.name, t.description, t.plan_hash,"
                " t.metadata, t.created_at, c.active, array(select distinct s.last_error from schedules s"
                "  where s.tenant_id = %(tenant)s and s.template_key = t.key and s.last_error is not null"
                "  and s.spec is not null) as errors,"
                " array(select distinct r.last_error from trigger_registrations r"
                "  where r.tenant_id = %(tenant)s and r.template_key = t.key and r.last_error is not null"
                "  and r.wanted_digest is not null) as unregistered from current_templates c"
                " join workflow_templates t using (tenant_id, key, version)"
                " where c.tenant_id in (%(tenant)s, '*') order by t.key, (t.tenant_id = '*')",
                {"tenant": tenant},
            )
            rows = await cursor.fetchall()
        return [
            Summary(row["tenant_id"], row["key"], row["version"], row["name"], row["description"], row["plan_hash"],
                    row["metadata"], row["created_at"], row["active"], tuple(row["errors"]),
                    tuple(row["unregistered"]))
            for row in rows
        ]  # fmt: skip

    async def versions(self, tenant: str, key: str) -> list[Version]:
        """Return the versions of a template, newest first: of the tenant's own one if there is one, else of the shared one."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select t.tenant_id, t.version, t.plan_hash, t.name, t.created_at, t.created_by,"
                " c.version is not distinct from t.version as current from workflow_templates t"
                " left join current_templates c on c.tenant_id = t.tenant_id and c.key = t.key"
                " where t.key = %s and t.tenant_id in (%s, '*') order by (t.tenant_id = '*'), t.version desc",
                (key, tenant),
            )
            rows = await cursor.fetchall()
        own = [row for row in rows if row["tenant_id"] == rows[0]["tenant_id"]]
        return [
            Version(row["version"], row["plan_hash"], row["name"], row["current"], row["created_at"], row["created_by"])
            for row in own
        ]

    async def webhooks(self, tenant: str) -> list[Webhook]:
        """Return every route of the tenant."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select method, path, node, response_mode, template_key from webhooks where tenant_id = %s"
                " order by method, path",
                (tenant,),
            )
            return [
                Webhook(row["method"], row["path"], row["node"], row["response_mode"], row["template_key"])
                for row in await cursor.fetchall()
            ]

    async def settings(self, tenant: str, plan_hash: str) -> Settings:
        """Return the settings of a published plan (cached, plans never change); the defaults for one that was never published."""
        if (cached := self._settings.get((tenant, plan_hash))) is not None:
            return cached
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select tenant_id, (plan -> 'settings')::text as text, sealed from plans"
                " where hash = %s and tenant_id in (%s, '*') limit 1",
                (plan_hash, tenant),
            )
            row = await cursor.fetchone()
        if not row:
            return Settings()
        value = json.loads(await plan_text(self._database, row, plan_hash) or "null")
        if row["sealed"] is not None:
            value = value.get("settings")
        if len(self._settings) >= MAX_CACHED_SETTINGS:
            self._settings.clear()
        settings = self._settings[tenant, plan_hash] = Settings.model_validate(value or {})
        return settings

    async def node_types(self, tenant: str, plan_hash: str) -> dict[str, str]:
        """Return node name -> type of a published plan; empty for one that was never published (`tempor8 run`)."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select tenant_id, plan::text as text, sealed from plans where hash = %s and tenant_id in (%s, '*') limit 1",
                (plan_hash, tenant),
            )
            row = await cursor.fetchone()
        plan = json.loads(await plan_text(self._database, row, plan_hash)) if row else {}
        return {step["name"]: step["type"] for step in plan.get("steps", ())}

    async def by_hash(self, tenant: str, key: str, plan_hash: str) -> Published | None:
        """Return the version of a template that has this plan; None: it was never published under this key."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select tenant_id, key, version, plan_hash, plan::text as text, sealed_plan from workflow_templates"
                " where key = %s and plan_hash = %s and tenant_id in (%s, '*') order by (tenant_id = '*') limit 1",
                (key, plan_hash, tenant),
            )
            row = await cursor.fetchone()
        return await self._published(row) if row else None

    async def source(self, tenant: str, plan_hash: str) -> tuple[dict[str, Any], Plan] | None:
        """Return the export and the plan of a published version; None for one that was never published (`tempor8 run`)."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select tenant_id, export, sealed_export, plan::text as text, sealed_plan from workflow_templates"
                " where plan_hash = %s and tenant_id in (%s, '*') limit 1",
                (plan_hash, tenant),
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        plan = await plan_text(self._database, row, plan_hash, "sealed_plan")
        columns = await Columns(self._database.keys, row["tenant_id"]).load([row["sealed_export"]])
        export = columns.json(("export", plan_hash), row["export"], row["sealed_export"])
        return (json.loads(export) if isinstance(export, str) else export), Plan.model_validate_json(plan)

    async def notes(self, tenant: str, plan_hash: str, catalog: Catalog) -> tuple[StickyNote, ...]:
        """Return the sticky notes beside a published plan (cached, as the plan is); none for one that was never published."""
        if (cached := self._notes.get((tenant, plan_hash))) is not None:
            return cached
        source = await self.source(tenant, plan_hash)
        if source is None:
            return ()
        if len(self._notes) >= MAX_CACHED_NOTES:
            self._notes.clear()
        notes = self._notes[tenant, plan_hash] = sticky_notes_of(source[0], catalog)
        return notes

    async def by_workflow(self, tenant: str, workflow: str) -> Published | None:
        """Return the current version of the template that has this n8n workflow id, or else this name; None: there is none."""
        async with self._database.tenant_transaction(tenant) as connection:
            row = await (await connection.execute(BY_WORKFLOW, {"tenant": tenant, "workflow": workflow})).fetchone()
        return await self._published(row) if row else None

    async def _current_version(self, connection: Connection, tenant: str, key: str) -> Published | None:
        row = await (await connection.execute(BY_KEY, {"tenant": tenant, "key": key})).fetchone()
        return await self._published(row) if row else None

    async def _published(self, row: Mapping[str, Any]) -> Published:
        text = (await plan_text(self._database, row, row["plan_hash"], "sealed_plan")).encode()
        return Published(row["tenant_id"], row["key"], row["version"], row["plan_hash"], text, self._upgrade)


async def _next_version(connection: Connection, tenant: str, key: str, plan_hash: str) -> tuple[int, bool]:
    """Return (version, whether it is still to be written)."""
    cursor = await connection.execute(
        "select version, plan_hash from workflow_templates where tenant_id = %s and key = %s order by version desc",
        (tenant, key),
    )
    rows = await cursor.fetchall()
    same = next((row["version"] for row in rows if row["plan_hash"] == plan_hash), None)
    if same is not None:
        return same, False
    return (rows[0]["version"] + 1 if rows else 1), True


async def _set_current(connection: Connection, tenant: str, key: str, version: int, *, active: bool = True) -> None:
    await connection.execute(
        "insert into current_templates (tenant_id, key, version, active) values (%s, %s, %s, %s) on conflict (tenant_id, key)"
        " do update set version = excluded.version, active = excluded.active, changed_at = now()",
        (tenant, key, version, active),
    )


async def _exists(connection: Connection, tenant: str, key: str, version: int) -> bool:
    cursor = await connection.execute(
        "select 1 from workflow_templates where tenant_id = %s and key = %s and version = %s", (tenant, key, version)
    )
    return await cursor.fetchone() is not None


async def _write_webhooks(connection: Connection, tenant: str, key: str, routes: Sequence[Webhook]) -> None:
    await connection.execute("delete from webhooks where tenant_id = %s and template_key = %s", (tenant, key))
    for route in dict.fromkeys(routes):
        try:
            async with (
                connection.transaction()
            ):  # a savepoint: after a conflict the transaction still reads whose the route is
                await connection.execute(
                    "insert into webhooks (tenant_id, method, path, template_key, node, response_mode)"
                    " values (%s, %s, %s, %s, %s, %s)",
                    (tenant, route.method, route.path, key, route.node, route.response_mode),
                )
        except UniqueViolation:
            cursor = await connection.execute(
                "select template_key from webhooks where tenant_id = %s and method = %s and path = %s",
                (tenant, route.method, route.path),
            )
            row = await cursor.fetchone()
            raise WebhookConflict(route.method, route.path, row["template_key"] if row else "?") from None


def _text(export: str | bytes | Mapping[str, Any]) -> str:
    if isinstance(export, bytes):
        return export.decode("utf-8")
    return export if isinstance(export, str) else json.dumps(dict(export), ensure_ascii=False)


def _metadata(plan: Plan, export: str) -> dict[str, Any]:
    """Return what lists show of a version: what the plan has, and what its author says of it."""
    described, own = describe(plan), author_metadata(export)
    more = own.pop("more_credentials")
    known = {each["type"] for each in described["credentials"]}
    return (
        described
        | own
        | {"credentials": described["credentials"] + [each for each in more if each["type"] not in known]}
    )
