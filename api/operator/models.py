"""The shapes of the operator's plane."""

from pydantic import BaseModel, Field

from api.models import Moment, RequestBody
from service.deletion_store import Deletion
from service.tenants import Tenant

__all__ = ["CreateTenant", "EgressRequest", "TenantAnswer", "TenantDeletion", "deletion_answer", "tenant_answer"]


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
