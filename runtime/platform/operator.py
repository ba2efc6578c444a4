"""Services that the operator set up beside us: the embedded local model, and an agents service (AI_AGENTS_URL).

Their addresses are settings, often on a private network, and never come from a tenant; so these requests do not pass the
egress guard, and nothing else may use this way out.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

import httpx

from runtime.platform.settings import Settings

__all__ = ["LOCAL_MODEL", "AGENTS", "Operator", "Reply"]

LOCAL_MODEL: Final = "local_model"
AGENTS: Final = "agents"

Reply = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers, body."""


class OperatorError(Exception):
    """A service of the operator could not be reached. The message names the service, not its address."""


class Operator:
    """Requests to the operator's services. One client for all; close it with the worker."""

    def __init__(self, urls: Mapping[str, str], *, agents_token: str | None = None) -> None:
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}
        self._token = agents_token
        self._client = httpx.AsyncClient(follow_redirects=False)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the environment says."""
        found = {LOCAL_MODEL: settings.local_model_url, AGENTS: settings.ai_agents_url}
        token = settings.ai_agents_token.get_secret_value() if settings.ai_agents_token else None
        return cls({name: url for name, url in found.items() if url}, agents_token=token)

    async def post(self, name: str, path: str, body: Any, *, tenant: str, timeout: float) -> Reply | None:
        """POST JSON to a service on behalf of a tenant; None when the operator has none of this name.

        Raises:
            OperatorError: it does not answer.
        """
        if name not in self._urls:
            return None
        headers = {"X-Tenant-Id": tenant}
        if name == AGENTS and self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            response = await self._client.post(self._urls[name] + path, json=body, headers=headers, timeout=timeout)
        except httpx.HTTPError as error:
            raise OperatorError(f"the {name.replace('_', ' ')} service does not answer ({type(error).__name__})") from error
        return response.status_code, response.headers.multi_items(), response.content

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()
