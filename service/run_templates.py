"""What a run asks about templates: the plan of another workflow, and the data that templates and tenants keep for runs."""

from typing import Any

from runtime.platform.postgres import Database
from service.static_data import StaticDataStore
from service.template_records import Published
from service.templates import TemplateStore
from service.variables import VariableStore

__all__ = ["RunTemplates"]


class RunTemplates:
    """Looks up what the input of a run needs, and saves the static data that a run changed."""

    def __init__(self, database: Database, store: TemplateStore) -> None:
        self._store, self._variables, self._static_data = store, VariableStore(database), StaticDataStore(database)

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """Return the plan of another workflow, as a run of Execute Workflow asks for it.

        Args:
            tenant: whose templates and variables.
            reference: `{'id' | 'name'}`: a template's key, its n8n workflow id, or its name. With `'run'`, the workflow
                starts a run of its own (an error workflow), so its variables are looked up too; a run that another one
                starts has those of the other.

        Returns:
            `{'plan', 'plan_hash', 'template', 'static_data'}` and perhaps `'variables'`, or `{'error': message}` when the
            tenant has no such workflow.
        """
        key = str(reference.get("id") or reference.get("name") or "")
        template = await self._store.current(tenant, key) or await self._store.by_workflow(tenant, key)
        if template is None:
            return {"error": f"Workflow does not exist: no published template has the key, id or name {key!r}"}
        return {
            **(await self.variables(tenant, template) if "run" in reference else {}),
            "plan": template.plan.model_dump(mode="json"),
            "template": template.key,
            "plan_hash": template.plan_hash,
            "static_data": await self.static_data(tenant, template),
        }

    async def variables(self, tenant: str, template: Published) -> dict[str, Any]:
        """Return `{'variables': ...}` for a template that reads `$vars`, else nothing. Raises DatabaseUnavailable."""
        return {"variables": await self._variables.all(tenant)} if template.needs.variables else {}

    async def static_data(self, tenant: str, template: Published) -> dict[str, Any]:
        """Return a template's static data, as its last run left it or as its export has it. Raises DatabaseUnavailable."""
        stored = await self._static_data.get(tenant, template.key) if template.needs.static_data else None
        return stored if stored is not None else template.plan.static_data

    async def save_static_data(self, tenant: str, template: str, data: dict[str, Any]) -> None:
        """Save the static data that a run changed: see `StaticDataStore.save`."""
        await self._static_data.save(tenant, template, data)
