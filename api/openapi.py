"""The OpenAPI description: its address, and the problems in it."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from pydantic import BaseModel, ConfigDict, Field

from api.access import MissingScope
from api.authentication import PUBLIC
from api.problems import BadRequest, Internal, Problem, TooManyRequests, Unauthorized, Unavailable

__all__ = ["ExportOperation", "ProblemDetails", "PublicOperation", "openapi_json", "problems", "public_problems"]


class ProblemDetails(BaseModel):
    """RFC 9457. Further members depend on the type; GET the type for an explanation."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Relative address of an explanation, the same for every problem of this kind")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do")
    instance: str


def problems(*kinds: type[Problem]) -> dict[int, ResponseSpec]:
    """Return the error responses of a handler: its own, and those of every handler that asks for a key."""
    return public_problems(*kinds, BadRequest, Unauthorized, MissingScope, TooManyRequests, Unavailable, Internal)


def public_problems(*kinds: type[Problem]) -> dict[int, ResponseSpec]:
    """Return these kinds of problems as error responses of a handler."""
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in dict.fromkeys(kinds):
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


@dataclass
class PublicOperation(Operation):
    """An operation that needs no key, and says so."""

    def __post_init__(self) -> None:
        """Take the security of all others away."""
        self.security = []


@dataclass
class ExportOperation(Operation):
    """An operation whose body is an n8n export, which the compiler reads as it came."""

    def __post_init__(self) -> None:
        """Describe the body."""
        export = Schema(type=OpenAPIType.OBJECT, description="An n8n workflow export")
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=export)}, required=True)


@get("/openapi.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return the description of the API, OpenAPI 3.1."""
    schema: dict[str, Any] = request.app.openapi_schema.to_schema()
    return schema
