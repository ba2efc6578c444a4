"""Where the webhooks of a tenant listen: by method and path, with `:parameters`."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.names import CHAT, FORM, MCP
from schemas.plan import Route

__all__ = ["Routes", "Webhook"]


@dataclass(frozen=True)
class Webhook:
    """Where a step of a published template listens. Segments that begin with ':' are parameters."""

    method: str
    path: str
    node: str
    response_mode: str = "onReceived"
    template: str = ""

    @classmethod
    def of(cls, route: Route) -> "Webhook":
        """Return the webhook of a route in a plan."""
        return cls(route.method, route.path, route.node, route.response_mode)


class Routes:
    """The webhooks of one tenant. Fixed paths come before those with parameters; a trailing slash is ignored."""

    def __init__(self, webhooks: Iterable[Webhook]) -> None:
        self._fixed: dict[tuple[str, str], Webhook] = {}
        self._patterns: dict[tuple[str, int], list[tuple[list[str], Webhook]]] = {}
        self.all = list(webhooks)
        for webhook in self.all:
            parts = webhook.path.split("/")
            if any(part.startswith(":") for part in parts):
                self._patterns.setdefault((webhook.method, len(parts)), []).append((parts, webhook))
            else:
                self._fixed[webhook.method, webhook.path] = webhook

    def match(self, method: str, path: str) -> tuple[Webhook, dict[str, str]] | None:
        """Return the webhook and its path parameters; None: no webhook listens there."""
        path = path.strip("/")
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, {}
        segments = path.split("/")
        candidates = self._patterns.get((method, len(segments)), ())
        # more fixed segments first, as n8n prefers the closer match
        for parts, webhook in sorted(candidates, key=lambda each: sum(part.startswith(":") for part in each[0])):
            parameters = _parameters(parts, segments)
            if parameters is not None:
                return webhook, parameters
        return None

    def methods(self, path: str) -> list[str]:
        """Return the methods that webhooks and chats listen to at this path."""
        known = dict.fromkeys(webhook.method for webhook in self.all if webhook.method not in (FORM, MCP))
        matching = [method for method in known if self.match(method, path) is not None]
        return ["GET", "POST"] if CHAT in matching else matching


def _parameters(parts: list[str], segments: list[str]) -> dict[str, str] | None:
    parameters = {}
    for part, value in zip(parts, segments, strict=True):
        if part.startswith(":"):
            parameters[part[1:]] = value
        elif part != value:
            return None
    return parameters
