"""The shapes of the operator's plane."""

from pydantic import BaseModel, Field

from api.models import Moment, RequestBody
from service.deletion_store import Deletion
from service.tenant_contents import TenantContents
from service.tenants import Tenant

__all__ = [
    "CreateTenant",
    "EgressRequest",
    "TenantAnswer",
    "TenantContentsAnswer",
    "TenantDeletion",
    "contents_answer",
    "deletion_answer",
    "tenant_answer",
]


class CreateTenant(RequestBody):
    """A tenant to create."""

    id: str = Field(min_length=1, max_length=63, description="Letters, digits, '_', '.', '-'; it never changes")
    name: str = Field(default="", max_length=200, pattern=r"^[^\x00]*$", description="Name for people")


class EgressRequest(RequestBody):
    """What is open to the steps of a tenant, in place of what was open before."""

    allow: list[str] = Field(
        max_length=1000, description="Hosts, host:port or networks (10.1.0.0/16) that are not on the public internet"
    )


class TenantDeletion(BaseModel):
    """A deletion that goes on."""

    requested_at: Moment
    progress: str = Field(description="What is being deleted")
    error: str | None


class TenantAnswer(BaseModel):
    """A tenant, without anything of its data."""

    id: str
    name: str
    created_at: Moment
    egress_allow: list[str]
    deletion: TenantDeletion | None


class TenantContentsAnswer(BaseModel):
    """How much there is of a tenant."""

    rows: dict[str, int] = Field(
        description="Kind (templates, versions, runs, open_runs, schedules, credentials, variables, tables, keys, payloads) -> number"
    )
    payload_bytes: int = Field(description="Of the payloads that were counted")
    at_least: bool = Field(description="A kind has more rows than are counted")


def contents_answer(contents: TenantContents) -> TenantContentsAnswer:
    """Return counts as the API shows them."""
    return TenantContentsAnswer(rows=contents.rows, payload_bytes=contents.payload_bytes, at_least=contents.at_least)


def deletion_answer(deletion: Deletion) -> TenantDeletion:
    """Return a deletion as the API shows it."""
    return TenantDeletion(
        requested_at=deletion.requested_at, progress=deletion.progress or "requested", error=deletion.error
    )


def tenant_answer(tenant: Tenant, deletion: Deletion | None) -> TenantAnswer:
    """Return a tenant as the API shows it."""
    return TenantAnswer(
        id=tenant.id,
        name=tenant.name,
        created_at=tenant.created_at,
        egress_allow=list(tenant.egress_allow),
        deletion=deletion_answer(deletion) if deletion else None,
    )
