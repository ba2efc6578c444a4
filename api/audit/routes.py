"""GET /audit: what was changed in the name of the tenant, and by whom."""

from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.access import needs
from api.audit.models import AuditPage, page_of
from api.authentication import Principal
from api.dependencies import Dependencies
from api.openapi import problems
from api.problems import BadRequest
from service.api_keys import KeyScope
from service.page_cursor import BadCursor

__all__ = ["AuditController", "Cursor", "Limit", "read_page"]

Cursor = Annotated[str | None, QueryParameter(description="next_cursor of the last page", max_length=200)]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Entries per page")]


class AuditController(Controller):
    """Everything under /audit."""

    path = "/audit"
    tags = ("Keys and audit",)

    @get(
        "/",
        **needs(KeyScope.ADMIN),
        summary="Read the audit log",
        responses=problems(BadRequest),
        description="Every request that changed something or tried to, and what was done at the command line, newest first. "
        "`next_cursor` is null at the end.",
    )
    async def list_(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> AuditPage:
        """Return a page of the log."""
        return await read_page(dependencies, request.user.tenant, cursor, limit)


async def read_page(dependencies: Dependencies, tenant: str, cursor: str | None, limit: int) -> AuditPage:
    """Return a page of a tenant's log.

    Raises:
        BadRequest: the cursor is none of this list.
    """
    try:
        return page_of(await dependencies.audit.page(tenant, before=cursor, limit=limit), limit)
    except BadCursor as error:
        raise BadRequest("cursor: not a cursor of this list.") from error
