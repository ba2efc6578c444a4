"""Templates that listen for a test call: below /webhook-test and /form-test, for one call and a short while, active or not."""

from datetime import datetime

from runtime.platform.postgres import Database
from service.routes import Routes, Webhook
from service.template_records import Published, webhooks_of
from service.templates import TemplateStore

__all__ = ["TestListeners"]


class TestListeners:
    """The versions that listen for a test call, by tenant."""

    def __init__(self, database: Database, templates: TemplateStore) -> None:
        self._database, self._templates = database, templates

    async def open(self, tenant: str, template: Published, seconds: int) -> datetime:
        """Listen with this version for so many seconds, in place of an earlier one of the template; return the end of that time."""
        async with self._database.tenant_transaction(tenant) as connection:
            row = await (
                await connection.execute(
                    "insert into test_listeners (tenant_id, template_key, plan_hash, expires_at)"
                    " values (%s, %s, %s, now() + make_interval(secs => %s))"
                    " on conflict (tenant_id, template_key) do update"
                    " set plan_hash = excluded.plan_hash, expires_at = excluded.expires_at returning expires_at",
                    (tenant, template.key, template.plan_hash, seconds),
                )
            ).fetchone()
        assert row is not None
        until: datetime = row["expires_at"]
        return until

    async def find(self, tenant: str, method: str, path: str) -> tuple[Webhook, dict[str, str], Published] | None:
        """Return the route of a test call, its path parameters, and the version that listens; None: none does."""
        for template in await self.active(tenant) if tenant else ():
            match = Routes(webhooks_of(template.plan)).match(method, path)
            if match is not None:
                return *match, template
        return None

    async def active(self, tenant: str) -> list[Published]:
        """Return the versions that listen now."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select template_key, plan_hash from test_listeners where tenant_id = %s and expires_at > now()"
                " order by expires_at desc",
                (tenant,),
            )
            rows = await cursor.fetchall()
        templates = [await self._templates.by_hash(tenant, row["template_key"], row["plan_hash"]) for row in rows]
        return [each for each in templates if each is not None]

    async def take(self, tenant: str, template: Published) -> bool:
        """Stop listening, since the call has come; return False when another call was faster, or the time is up."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "delete from test_listeners where tenant_id = %s and template_key = %s and plan_hash = %s"
                " and expires_at > now()",
                (tenant, template.key, template.plan_hash),
            )
            return cursor.rowcount == 1
