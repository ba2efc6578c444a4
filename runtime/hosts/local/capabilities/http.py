"""No network."""

from collections.abc import Callable, Mapping, Sequence

from runtime.contract import NodeApiError
from runtime.contract.capabilities import Http, HttpResponse
from runtime.hosts.local.offline import OfflineResources
from runtime.values.streams import LongBytes
from schemas.request_limits import RequestLimits
from schemas.task import Task


class NoHttp(Http):
    """Nothing is sent."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | LongBytes | None = None,
        timeout: float = 300.0,
        follow_redirects: bool = True,
        verify: bool = True,
        proxy: str | None = None,
        item: int = 0,
        certificate: Mapping[str, str] | None = None,
        store: Callable[[int, Sequence[tuple[str, str]]], bool] | None = None,
        bare: bool = False,
        wait: bool | RequestLimits = True,
    ) -> HttpResponse:
        """Refuse."""
        del headers, content, timeout, follow_redirects, verify, proxy, item, certificate, store, bare, wait
        raise NodeApiError(f"{method} {url}: this run is offline; pin the data of this node", http_code="ENETUNREACH")

    async def stream(
        self,
        url: str,
        *,
        method: str = "POST",
        headers: Sequence[tuple[str, str]],
        content: bytes | None,
        timeout: float,
        hear: Callable[[bytes], None],
    ) -> HttpResponse:
        """Refuse."""
        del hear
        return await self.request(method, url, headers=headers, content=content, timeout=timeout)


def provide(resources: OfflineResources, task: Task) -> NoHttp:
    """Return the HTTP of a task."""
    del resources, task
    return NoHttp()
