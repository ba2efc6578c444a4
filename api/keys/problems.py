"""Problems of keys and tenants."""

from typing import Self

from api.problems import Problem

__all__ = ["NotRotatable", "TenantExists", "UnknownKey", "UnknownTenant"]


class UnknownKey(Problem):
    """The tenant has no API key of that id, or it was revoked before."""

    slug, status, title = "unknown-key", 404, "No such API key"


class UnknownTenant(Problem):
    """There is no such tenant."""

    slug, status, title = "unknown-tenant", 404, "No such tenant"

    @classmethod
    def named(cls, tenant: str) -> Self:
        """Return the problem for a tenant's id."""
        return cls(f"There is no tenant {tenant!r}.")


class NotRotatable(Problem):
    """The key was rotated before, is revoked, or has expired. `detail` says which, and what to do."""

    slug, status, title = "not-rotatable", 409, "The key cannot be rotated"


class TenantExists(Problem):
    """There is a tenant of that id already."""

    slug, status, title = "tenant-exists", 409, "The tenant exists"
