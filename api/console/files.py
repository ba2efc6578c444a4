"""A file of an item, as a download or as a picture on the page."""

import base64
import binascii
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from urllib.parse import quote

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Stream

from api.authentication import Principal
from api.console.node_items import read_items, side_of
from api.console.problems import PAGE_HANDLERS
from api.console.run_pages import PICTURES, Number, WorkflowId
from api.console.session import console
from api.dependencies import Dependencies
from api.problems import NotFound
from schemas.run import ItemsPage
from service.api_keys import KeyScope
from service.run_reader import TemporalRuns

__all__ = ["FileController"]

GONE: Final = "There is no such file: the node has not run, its data are no longer kept, or no worker answers."
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
}


class FileController(Controller):
    """The files of a run's items."""

    path = "/console/runs/{workflow_id:str}/file"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ))
    async def file(
        self,
        request: Request[Principal, None, Any],
        workflow_id: WorkflowId,
        dependencies: NamedDependency[Dependencies],
        runs: NamedDependency[TemporalRuns],
        name: Annotated[str, QueryParameter(max_length=1000)],
        file: Annotated[str, QueryParameter(max_length=1000)],
        run: Number = 0,
        side: Annotated[str, QueryParameter(max_length=10)] = "output",
        index: Number = 0,
        item: Number = 0,
        show: Annotated[bool, QueryParameter()] = False,
    ) -> Stream:
        """Return the bytes; with `show`, for the page, if it is a picture. Raises UnknownRun, NotFound, BadRequest, BlobMissing."""
        tenant = request.user.tenant
        asked = ItemsPage(node=name, run=run, side=side_of(side), index=index, since=item, limit=1, contents=True)
        answer = await read_items(tenant, workflow_id, asked, dependencies, runs)
        reference = answer.items[0].files.get(file) if answer is not None and answer.items else None
        if reference is None:
            raise NotFound(GONE)
        type_ = str(reference.get("mimeType") or "").lower()
        picture = show and type_ in PICTURES
        file_name = str(reference.get("fileName") or file)
        disposition = (
            "inline" if picture else f"attachment; filename*=UTF-8''{quote(file_name, safe='', errors='replace')}"
        )
        content = await _bytes(tenant, reference, dependencies)
        return Stream(
            content,
            media_type=type_ if picture else "application/octet-stream",
            headers=HEADERS | {"content-disposition": disposition},
        )


async def _bytes(tenant: str, reference: dict[str, Any], dependencies: Dependencies) -> AsyncIterator[bytes]:
    """Return the bytes of a file; the first ones are there, so that what is missing is an answer of its own. Raises BlobMissing."""
    address = str(reference.get("id") or "")
    if not address:
        try:
            first, rest = base64.b64decode(reference.get("data") or ""), None
        except binascii.Error as error:
            raise NotFound(GONE) from error
    else:
        rest = dependencies.blobs.stream(tenant, address)
        first = await anext(rest, b"")

    async def pieces() -> AsyncIterator[bytes]:
        yield first
        if rest is not None:
            async for piece in rest:
                yield piece

    return pieces()
