"""Capability: model services of the operator, and the budget of tokens."""

from typing import Protocol

from runtime.contract.capabilities.http import HttpResponse
from schemas.item import Json

__all__ = ["Models"]


class Models(Protocol):
    """What the operator offers to AI nodes. A vendor's model is reached by `http` with the tenant's own credential."""

    @property
    def token_limit(self) -> int:
        """Model tokens that one run of a step may use."""

    async def admit(self, node: str, *, priced: bool) -> None:
        """Let one more model request begin. Raise LimitReached: a limit of the step, the run or the tenant's day is reached.

        Args:
            node: which run of which node, the same for all requests of a step.
            priced: whether the model has a known price; without one it cannot be admitted where money is limited.
        """

    async def spend(self, node: str, *, tokens: int, cost_usd: float | None, seconds: float) -> None:
        """Count a request that was sent, answered or not."""

    async def post(
        self, service: str, path: str, body: Json, *, timeout: float = 300.0, key: str = ""
    ) -> HttpResponse | None:
        """POST JSON to a service of the operator, never to an address that a tenant chose; None: the operator has none.

        Args:
            service: `local_model` (the embedded one, OpenAI-compatible) or `agents` (AI_AGENTS_URL).
            path: below the service's address.
            body: JSON.
            timeout: seconds.
            key: the `Idempotency-Key`; without one it is made of the task, and a later attempt by the step has another.

        Raises:
            NodeApiError: there is no response.
        """
