"""GET /problems/{slug}: the explanation that a problem's `type` links to."""

import inspect
from collections.abc import Iterator
from typing import Annotated

from litestar import Controller, get
from litestar.params import PathParameter
from pydantic import BaseModel

from api.authentication import PUBLIC
from api.openapi import PublicOperation, public_problems
from api.problems import BadRequest, NotFound, Problem

__all__ = ["ProblemController", "kinds"]


class Explanation(BaseModel):
    """What a kind of problem means and what to do about it."""

    type: str
    title: str
    status: int
    explanation: str


class ProblemController(Controller):
    """The kinds of problems."""

    path = "/problems"
    opt = PUBLIC
    tags = ("Problems",)

    @get("/", operation_class=PublicOperation, summary="List the kinds of problems")
    async def list_(self) -> list[Explanation]:
        """List all of them."""
        return [_explain(kind) for kind in kinds()]

    @get(
        "/{slug:str}",
        operation_class=PublicOperation,
        summary="Explain a kind of problem",
        responses=public_problems(BadRequest, NotFound),
    )
    async def explain(self, slug: Annotated[str, PathParameter(max_length=100)]) -> Explanation:
        """Explain one of them."""
        for kind in kinds():
            if kind.slug == slug:
                return _explain(kind)
        raise NotFound("There is no such kind of problem.")


def kinds() -> Iterator[type[Problem]]:
    """Yield every kind that is declared, by status and slug."""
    yield from sorted(Problem.__subclasses__(), key=lambda kind: (kind.status, kind.slug))


def _explain(kind: type[Problem]) -> Explanation:
    return Explanation(
        type=f"/problems/{kind.slug}", title=kind.title, status=kind.status, explanation=inspect.getdoc(kind) or ""
    )
