"""What a route needs and what it does: its scope, and for one that changes something the action that the audit log records.

A route declares both where it is declared itself: `@post("/start", **needs(KeyScope.RUN, "run.start"))`. The application does not
start with a route that declares nothing and is not public.
"""

from collections.abc import Iterable
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.routes import BaseRoute

from api.problems import Problem
from service.api_keys import KeyScope

__all__ = [
    "ACTION",
    "OPERATOR",
    "SCOPE",
    "MissingScope",
    "UndeclaredAccess",
    "check_scope",
    "needs",
    "needs_operator",
    "require_declared",
]

SCOPE: Final = "scope"
"""Key of a handler's `opt`: the scope that a caller needs."""
ACTION: Final = "action"
"""Key of a handler's `opt`: what it does, as the audit log says it; absent where it changes nothing."""
OPERATOR: Final = "operator"
"""Key of a handler's `opt`: it is for the operator alone."""


class MissingScope(Problem):
    """The key or token may not do this: `scope` is the one that it lacks, `scopes` those that it has.

    A caller with the scope `admin` issues a key with it: `POST /keys`. So does an operator: `tempor8 tenants key TENANT --scope SCOPE`.
    Tokens carry scopes in their `scope` claim.
    """

    slug, status, title = "missing-scope", 403, "The key lacks a scope"


class UndeclaredAccess(Exception):
    """A route says neither which scope it needs nor that it is public or the operator's."""


def needs(scope: KeyScope, action: str | None = None) -> dict[str, Any]:
    """Return the arguments of a handler that needs a scope.

    Args:
        scope: what the caller's key or token must have.
        action: what it does, as `noun.verb`; None: it changes nothing.
    """
    return {
        "opt": {SCOPE: scope, ACTION: action},
        "security": [{"bearer": [scope.value]}, {"apiKey": [scope.value]}],
    }


def needs_operator(action: str | None = None) -> dict[str, Any]:
    """Return the arguments of a handler of the operator's plane; `action` as for `needs`."""
    return {"opt": {OPERATOR: True, ACTION: action}, "security": [{"operator": []}]}


def check_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Check the caller's scopes, as a guard of every route.

    Raises:
        MissingScope: the caller lacks the scope of the route.
    """
    scope = handler.opt.get(SCOPE)
    if scope is None or scope in connection.user.scopes:  # public and the operator's: see `require_declared`
        return
    raise MissingScope(
        f"This needs a key with the scope {scope.value!r}.",
        scope=scope.value,
        scopes=sorted(connection.user.scopes),
    )


def require_declared(routes: Iterable[BaseRoute]) -> None:
    """Check that every route says who may call it.

    Raises:
        UndeclaredAccess: one does not, named.
    """
    for route in routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if handler is None or handler.opt.get("public") or handler.opt.get(OPERATOR):
                continue
            if handler.opt.get(SCOPE) is None and getattr(handler, "http_methods", set()) != {
                "OPTIONS"
            }:  # Litestar's own
                raise UndeclaredAccess(f"{route.path} ({handler}) declares no scope: see `needs`")
