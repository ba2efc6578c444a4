"""Model services that the operator set up, and the limits of what models may use."""

from collections.abc import Sequence
from datetime import UTC, datetime

import httpx

from runtime.contract import LimitReached
from runtime.contract.capabilities import HttpResponse, Models
from runtime.hosts.temporal.connection_errors import connection_error
from runtime.hosts.temporal.idempotency import idempotency_key
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.model_limits import ModelLimit
from schemas.item import Json
from schemas.task import Task
from service.model_spending import ModelSpending, Spent

OF = {"step": "one run of a node", "run": "one run", "day": "one day"}
UNITS = {
    "turns": "model requests",
    "tokens": "model tokens",
    "cost_usd": "US dollars",
    "seconds": "seconds of model requests",
}


class WorkerModels(Models):
    """The operator's services, told which tenant asks. They are ours, so the egress guard does not stand before them."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._task = resources, task
        self._tenant = task["meta"]["tenant"]
        self._limits = resources.settings.model_limits.of(self._tenant)
        self._spending = ModelSpending(resources.database)

    @property
    def token_limit(self) -> int:
        """TEMPOR8_TOKENS_PER_STEP."""
        return self._resources.settings.tokens_per_step

    async def admit(self, node: str, *, priced: bool) -> None:
        """Compare what was spent with the limits. Without a database no request begins: Temporal repeats the attempt."""
        if not self._limits:
            return
        if not priced and (money := next((each for each in self._limits if each.measure == "cost_usd"), None)):
            raise LimitReached(
                "The model has no known price, and what models cost is limited",
                description=f"Choose a model with a list price. TEMPOR8_MODEL_LIMITS has {money.scope}.cost_usd",
                data={"limit": vars(money)},
            )
        spent = await self._spending.of(self._tenant, self._places(node, self._limits))
        for limit in self._limits:
            used = getattr(spent.get(limit.scope, Spent()), limit.measure)
            if used >= limit.allowed:
                raise LimitReached(
                    f"The limit of {limit.allowed:g} {UNITS[limit.measure]} for {OF[limit.scope]} is reached",
                    description=f"{used:g} are used. The operator sets {limit.scope}.{limit.measure} in TEMPOR8_MODEL_LIMITS",
                    data={"limit": vars(limit) | {"used": used}},
                )

    async def spend(self, node: str, *, tokens: int, cost_usd: float | None, seconds: float) -> None:
        """Add to the sums that limits are compared with."""
        if self._limits:
            spent = Spent(1, tokens, cost_usd or 0.0, seconds)
            await self._spending.add(self._tenant, self._places(node, self._limits), spent)

    def _places(self, node: str, limits: Sequence[ModelLimit]) -> list[tuple[str, str]]:
        run = self._task["meta"]["execution_id"]
        keys = {"step": f"{run}/{node}", "run": run, "day": f"{datetime.now(UTC):%Y-%m-%d}"}
        return [(scope, keys[scope]) for scope in sorted({each.scope for each in limits})]

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
