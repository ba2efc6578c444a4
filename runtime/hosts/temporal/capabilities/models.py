"""Model services that the operator set up, and the limit of tokens."""

import httpx

from runtime.contract.capabilities import HttpResponse, Models
from runtime.hosts.temporal.connection_errors import connection_error
from runtime.hosts.temporal.idempotency import idempotency_key
from runtime.hosts.temporal.resources import WorkerResources
from schemas.item import Json
from schemas.task import Task


class WorkerModels(Models):
    """The operator's services, told which tenant asks. They are ours, so the egress guard does not stand before them."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._task = resources, task

    @property
    def token_limit(self) -> int:
        """TEMPOR8_TOKENS_PER_STEP."""
        return self._resources.settings.tokens_per_step

    def _address(self, service: str) -> str | None:
        """Return where a service of the operator is; None: there is none."""
        settings = self._resources.settings
        return {"local_model": settings.local_model_url, "agents": settings.ai_agents_url}.get(service)

    async def post(
        self, service: str, path: str, body: Json, *, timeout: float = 300.0, key: str = ""
    ) -> HttpResponse | None:
        """With the operator's own token for `agents`."""
        settings, task = self._resources.settings, self._task
        base = self._address(service)
        if base is None:
            return None
        key = key or idempotency_key(task, task.get("item", 0))
        headers = {"X-Tenant-Id": task["meta"]["tenant"], "Idempotency-Key": key}
        if service == "agents" and settings.ai_agents_token is not None:
            headers["Authorization"] = f"Bearer {settings.ai_agents_token.get_secret_value()}"
        try:
            response = await self._resources.operator_client.post(
                base.rstrip("/") + path, json=body, headers=headers, timeout=timeout
            )
        except httpx.HTTPError as error:
            raise connection_error(error, base, timeout) from error
        return HttpResponse(
            response.status_code, response.reason_phrase, list(response.headers.multi_items()), response.content
        )


def provide(resources: WorkerResources, task: Task) -> WorkerModels:
    """Return the model services of a task."""
    return WorkerModels(resources, task)
