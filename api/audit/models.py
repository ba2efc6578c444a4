"""The shapes of the audit log."""

from pydantic import BaseModel, Field

from api.models import Moment
from service.audit import ActorKind, AuditEntry, Outcome, audit_cursor

__all__ = ["AuditPage", "page_of"]


class ActorAnswer(BaseModel):
    """Who acted."""

    kind: ActorKind = Field(
        description="key, token, operator, cli: the command line, or link: who has the link of a message or a form"
    )
    id: str = Field(description="Id of the key, subject of the token, or name of the user at the command line")
    name: str = Field(description="What the key is for")


class AuditAnswer(BaseModel):
    """One change, or an attempt at one."""

    id: str
    at: Moment
    actor: ActorAnswer
    action: str = Field(description="noun.verb, such as template.publish")
    object: str = Field(description="Kind and id, such as template/greeting")
    outcome: Outcome = Field(description="done; denied: the caller may not; refused: it cannot be done; failed")
    status: int | None = Field(description="Of the HTTP response; null at the command line")
    request_id: str = Field(description="The response's X-Request-Id, which log lines carry too")
    address: str = Field(description="Where the request came from")


class AuditPage(BaseModel):
    """A page of the log, newest first."""

    items: list[AuditAnswer]
    next_cursor: str | None


def page_of(entries: list[AuditEntry], limit: int) -> AuditPage:
    """Return the page of `AuditLog.page`, which has one entry more when another page follows."""
    page = entries[:limit]
    return AuditPage(
        items=[_answer(each) for each in page],
        next_cursor=audit_cursor(page[-1]) if len(entries) > limit else None,
    )


def _answer(entry: AuditEntry) -> AuditAnswer:
    record = entry.record
    return AuditAnswer(
        id=entry.id,
        at=entry.at,
        actor=ActorAnswer(kind=record.actor_kind, id=record.actor, name=record.actor_name),
        action=record.action,
        object=record.object,
        outcome=record.outcome,
        status=record.status,
        request_id=record.request_id,
        address=record.address,
    )
