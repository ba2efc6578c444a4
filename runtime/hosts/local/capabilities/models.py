"""No model services."""

from typing import Final

from runtime.contract.capabilities import HttpResponse, Models
from runtime.hosts.local.offline import OfflineResources
from schemas.item import Json
from schemas.task import Task

_TOKEN_LIMIT: Final = 1_000_000
"""Model tokens that one run of a step may use."""


class NoModels(Models):
    """The operator has none."""

    @property
    def token_limit(self) -> int:
        """More than a test uses."""
        return _TOKEN_LIMIT

    async def admit(self, node: str, *, priced: bool) -> None:
        """See `Models`: no limits."""
        del node, priced

    async def spend(self, node: str, *, tokens: int, cost_usd: float | None, seconds: float) -> None:
        """See `Models`: nothing is counted."""
        del node, tokens, cost_usd, seconds

    async def post(
        self, service: str, path: str, body: Json, *, timeout: float = 300.0, key: str = ""
    ) -> HttpResponse | None:
        """None."""
        del service, path, body, timeout, key
        return None


def provide(resources: OfflineResources, task: Task) -> NoModels:
    """Return the model services of a task."""
    del resources, task
    return NoModels()
