"""Keys of templates, and the addresses at which they listen."""

import re
from typing import Any, Final

import orjson
from litestar import Request

from api.authentication import Principal
from api.dependencies import Dependencies
from api.templates.models import WebhookAnswer
from schemas.names import FORM, MCP
from service.routes import Webhook

__all__ = ["KEY", "export_name", "template_key", "webhook_answers"]

NOT_IN_KEYS: Final = re.compile(r"[^a-z0-9]+")
KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
PREFIXES: Final = {FORM: "form", MCP: "mcp"}
"""Method of a route -> the first part of its address, where that is not `webhook`."""


def template_key(name: str) -> str:
    """Return a key made from a workflow's name: lower case, words joined by underscores; empty when nothing is left of it."""
    return NOT_IN_KEYS.sub("_", name.lower()).strip("_")[:128]


def export_name(body: bytes) -> str:
    """Return the export's name, or "export"; errors in the body are reported by the compiler."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "export"
    name = document.get("name") if isinstance(document, dict) else None
    return name if isinstance(name, str) and template_key(name) else "export"


def webhook_answers(
    routes: list[Webhook], request: Request[Principal, Any, Any], dependencies: Dependencies, suffix: str = ""
) -> list[WebhookAnswer]:
    """Return where a template of the caller listens; `suffix`: of the first part of each address."""
    base, tenant = (dependencies.settings.content_base or str(request.base_url)).rstrip("/"), request.user.tenant
    return [
        WebhookAnswer(
            method=each.method,
            url=f"{base}/{PREFIXES.get(each.method, 'webhook')}{suffix}/{tenant}/{each.path}",
            node=each.node,
            response_mode=each.response_mode,
        )
        for each in routes
    ]
