"""The OpenAPI description: its address, and the problems in it."""

from typing import Any

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import PUBLIC
from api.problems import BadRequest, Internal, Problem, Unauthorized, Unavailable

__all__ = ["ProblemDetails", "openapi_json", "problems"]


class ProblemDetails(BaseModel):
    """RFC 9457. Further members depend on the type; GET the type for an explanation."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Relative address of an explanation, the same for every problem of this kind")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do")
    instance: str


def problems(*kinds: type[Problem]) -> dict[int, ResponseSpec]:
    """Return the error responses of a handler: its own, and those of every handler."""
    by_status: dict[int, list[type[Problem]]] = {}
    all_kinds: list[type[Problem]] = list(dict.fromkeys([*kinds, BadRequest, Unauthorized, Unavailable, Internal]))
    for kind in all_kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: ResponseSpec(
            ProblemDetails,
            generate_examples=False,
            description="; ".join(f"{kind.title} (`/problems/{kind.slug}`)" for kind in same),
            media_type="application/problem+json",
        )
        for status, same in sorted(by_status.items())
    }


@get("/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return the description of the API, OpenAPI 3.1."""
    schema: dict[str, Any] = request.app.openapi_schema.to_schema()
    return schema
