"""Writes a row of the audit log for each request that changes something, before the response goes out.

What a client was told is thus in the log. When Postgres is away the request has had its effect all the same: then the record is a
line of the process's log, and the response goes out.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.access import ACTION
from api.authentication import Principal, is_public
from api.request_ids import request_id_of
from runtime.platform.telemetry.logging import get_logger
from service.audit import ActorKind, AuditLog, AuditRecord, Outcome

__all__ = ["Auditing", "name_object", "note_decision"]

log = get_logger("tempor8.audit")

OBJECT: Final = "audit_object"
"""Key of the request's state: what it is about, where that is not in its path."""
DETAILS: Final = "audit_details"
"""Key of the request's state: what was decided, where it answers a run."""
KINDS: Final = {"tenant": "tenant", "key": "template", "workflow_id": "run", "key_id": "key"}
"""Parameter of a path -> kind of object."""


def name_object(request: Request[Any, Any, Any], kind: str, id_: str) -> None:
    """Say what a request is about, where its path does not: the last call counts."""
    request.scope["state"][OBJECT] = f"{kind}/{id_}"


def note_decision(scope: Scope, details: Mapping[str, Any]) -> None:
    """Say what was decided in a request that answers a run."""
    scope["state"][DETAILS] = details


class Auditing(ASGIMiddleware):
    """The middleware; inside `Authentication`, since it needs the caller."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass a request on; write its row when its response begins, or when it ends without one."""
        if is_public(scope):
            await next_app(scope, receive, send)
            return
        action, written = scope["route_handler"].opt.get(ACTION), False

        async def answer(message: Message) -> None:
            nonlocal written
            if message["type"] == "http.response.start" and action is not None and not written:
                written = True
                await self._write(_record(scope, action, message["status"]))
            await send(message)

        try:
            await next_app(scope, receive, answer)
        finally:
            if action is not None and not written:  # the client went away, or the process ends
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.shield(self._write(_record(scope, action, None)))

    async def _write(self, record: AuditRecord) -> None:
        try:
            await self._audit.write(record)
        except Exception:  # the request has had its effect: its response goes out, whatever becomes of the row
            log.exception(
                "audit row not written", actor_kind=str(record.actor_kind), actor=record.actor, audit_tenant=record.tenant,
                action=record.action, object=record.object, outcome=str(record.outcome),
            )  # fmt: skip


def _record(scope: Scope, action: str, status: int | None) -> AuditRecord:
    principal: Principal = scope["user"]
    parameters, client = scope["path_params"], scope.get("client")
    named = scope["state"].get(OBJECT)
    path = "/".join(f"{kind}/{parameters[name]}" for name, kind in KINDS.items() if name in parameters)
    return AuditRecord(
        tenant=_tenant(principal, parameters.get("tenant"), named),
        actor_kind=principal.kind,
        actor=principal.key,
        actor_name=principal.name,
        action=action,
        object="/".join(each for each in (path, named) if each),
        outcome=_outcome(status),
        status=status,
        request_id=request_id_of(scope),
        address=client[0] if client else "",
        details=scope["state"].get(DETAILS),
    )


def _tenant(principal: Principal, in_path: str | None, named: str | None) -> str:
    """Return in whose log a request belongs: its caller's, or that of the tenant whom the operator deals with."""
    if principal.kind is not ActorKind.OPERATOR:
        return principal.tenant
    return in_path or (named.removeprefix("tenant/") if named and named.startswith("tenant/") else principal.tenant)


def _outcome(status: int | None) -> Outcome:
    if status is None or status >= 500:
        return Outcome.FAILED
    if status in (401, 403):
        return Outcome.DENIED
    return Outcome.REFUSED if status >= 400 else Outcome.DONE
