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
