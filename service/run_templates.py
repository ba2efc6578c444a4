"""What a run asks about templates: the plan of another workflow, and the data that templates and tenants keep for runs."""

from collections.abc import Callable, Mapping
from typing import Any

from runtime.platform.postgres import Database
from schemas.plan import Plan
from schemas.plan_reference import PlanReference
from service.schedule_store import ScheduleStore
from service.static_data import StaticDataStore
from service.template_records import Published
from service.templates import TemplateStore
from service.variables import VariableStore

__all__ = ["RunTemplates", "missing_workflow"]


class RunTemplates:
    """Looks up what the input of a run needs, and saves the static data that a run changed."""

    def __init__(
        self, database: Database, store: TemplateStore, run_limit_of: Callable[[str], int | None] = lambda _: None
    ) -> None:
        """Take the stores, and what says how many runs of a tenant go on at a time."""
        self._store, self._variables, self._static_data = store, VariableStore(database), StaticDataStore(database)
        self._schedules = ScheduleStore(database)
        self._run_limit_of = run_limit_of

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """Return the plan of another workflow, as a run of Execute Workflow asks for it.

        Args:
            tenant: whose templates and variables.
            reference: `{'id' | 'name'}`: a template's key, its n8n workflow id, or its name. With `'run'`, the workflow
                starts a run of its own (an error workflow), so its variables are looked up too; a run that another one
                starts has those of the other. With `'schedule'` (an id in Temporal), only while the tenant wants this
                schedule: one that Temporal was not told to forget starts nothing.

        Returns:
            `{'plan_hash', 'template', 'static_data'}` and perhaps `'variables'` and `'tenant_limit'`, or `{'error': message}`
            when the tenant has no such workflow. `'reusable'`: its runs leave nothing for each other, so that a run that starts
            many of it may look once.
        """
        schedule = reference.get("schedule")
        if schedule and not await self._schedules.exists(tenant, str(schedule)):
            return {"error": f"The schedule {schedule} is gone: its template was deactivated, changed or deleted"}
        template = await self._find(tenant, reference)
        if template is None:
            return {"error": missing_workflow(reference)}
        return PlanReference(
            **(await self.variables(tenant, template) | self.limit(tenant) if "run" in reference else {}),
            template=template.key,
            plan_hash=template.plan_hash,
            static_data=await self.static_data(tenant, template),
            **({} if template.needs.static_data else {"reusable": True}),
        )

    async def find_plan(self, tenant: str, reference: dict[str, Any]) -> Plan | None:
        """Return the plan itself, for a run in this process; None where `find` returns an error."""
        template = await self._find(tenant, reference)
        return template.plan if template else None

    async def _find(self, tenant: str, reference: dict[str, Any]) -> Published | None:
        key = _key(reference)
        return await self._store.current(tenant, key) or await self._store.by_workflow(tenant, key)

    def limit(self, tenant: str) -> dict[str, Any]:
        """Return `{'tenant_limit': ...}` for a tenant of whose runs only so many go on at a time, else nothing."""
        limit = self._run_limit_of(tenant)
        return {} if limit is None else {"tenant_limit": limit}

    async def variables(self, tenant: str, template: Published) -> dict[str, Any]:
        """Return `{'variables': ...}` for a template that reads `$vars`, else nothing. Raises DatabaseUnavailable."""
        return {"variables": await self._variables.all(tenant)} if template.needs.variables else {}

    async def static_data(self, tenant: str, template: Published) -> dict[str, Any]:
        """Return a template's static data, as its last run left it or as its export has it. Raises DatabaseUnavailable."""
        stored = await self._static_data.get(tenant, template.key) if template.needs.static_data else None
        return stored if stored is not None else template.plan.static_data

    async def save_static_data(
        self, tenant: str, template: str, data: dict[str, Any], poll: Mapping[str, Any] | None = None
    ) -> bool:
        """Save the static data that a run changed: see `StaticDataStore.save`."""
        begun: Mapping[str, Any] = {}
        if not await self._static_data.exists(tenant, template):
            found = await self._store.current(tenant, template)
            begun = found.plan.static_data if found is not None else {}
        return await self._static_data.save(tenant, template, data, poll, begun=begun)


def missing_workflow(reference: Mapping[str, Any]) -> str:
    """Return what the author of a workflow reads when it calls one that does not exist."""
    return f"Workflow does not exist: no published template has the key, id or name {_key(reference)!r}"


def _key(reference: Mapping[str, Any]) -> str:
    return str(reference.get("id") or reference.get("name") or "")
