"""Where the webhooks of a tenant listen: by method and path, with `:parameters`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.plan import Step

__all__ = ["CHAT", "FORM", "Routes", "Webhook", "routes_of_step"]


@dataclass(frozen=True)
class Webhook:
    """Where a step listens. Segments that begin with ':' are parameters."""

    method: str
    path: str
    node: str
    response_mode: str = "onReceived"
    template: str = ""


FORM: Final = "FORM"
"""In place of a method: the page of a form, below /form."""
CHAT: Final = "CHAT"
"""In place of a method: the address of a chat, which takes GET and POST."""


def routes_of_step(step: Step) -> list[Webhook]:
    """The routes of a webhook step. n8n: a path with parameters is prefixed by the webhook's id; an empty one is it."""
    mode = str(step.parameters.get("responseMode") or "onReceived")
    if step.trigger == "form":
        chosen = step.parameters.get("path") or (step.parameters.get("options") or {}).get("path")
        return [Webhook(FORM, str(chosen or step.webhook_id or step.id or step.name).strip("/"), step.name, mode)]
    if step.trigger == "chat":
        public = step.parameters.get("public") is True
        return (
            [Webhook(CHAT, f"{step.webhook_id or step.id or step.name}/chat", step.name, "lastNode")] if public else []
        )
    methods = step.parameters.get("httpMethod") or "GET"
    path = str(step.parameters.get("path") or "").strip("/")
    if not path:
        path = step.webhook_id or step.id or step.name
    elif step.webhook_id and any(part.startswith(":") for part in path.split("/")):
        path = f"{step.webhook_id}/{path}"
    return [
        Webhook(str(method).upper(), path, step.name, mode)
        for method in (methods if isinstance(methods, list) else [methods])
    ]


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
        """The webhook and its path parameters."""
        path = path.strip("/")
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, {}
        given = path.split("/")
        candidates = self._patterns.get((method, len(given)), ())
        # more fixed segments first, as n8n prefers the closer match
        for parts, webhook in sorted(candidates, key=lambda each: sum(part.startswith(":") for part in each[0])):
            parameters = _fit(parts, given)
            if parameters is not None:
                return webhook, parameters
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that something listens to at this path."""
        known = dict.fromkeys(webhook.method for webhook in self.all if webhook.method != FORM)
        found = [method for method in known if self.match(method, path) is not None]
        return ["GET", "POST"] if CHAT in found else found


def _fit(parts: list[str], given: list[str]) -> dict[str, str] | None:
    parameters = {}
    for part, value in zip(parts, given, strict=True):
        if part.startswith(":"):
            parameters[part[1:]] = value
        elif part != value:
            return None
    return parameters
