"""Specialist agents: the same for every tenant."""

from difflib import get_close_matches
from typing import Annotated, Final

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from api.access import needs
from api.agents.models import AgentAnswer, AgentList, agent_answer, summary_of
from api.agents.problems import UnknownAgent
from api.dependencies import Dependencies
from api.openapi import problems
from api.problems import BadRequest
from schemas.node import Catalog
from schemas.specialist import Category, Specialist
from service.api_keys import KeyScope

__all__ = ["AgentController", "find_agent"]

SIMILAR: Final = 3

Slug = Annotated[str, PathParameter(description="Slug of the agent", max_length=64)]


class AgentController(Controller):
    """Everything under /agents."""

    path = "/agents"
    tags = ("Agents",)

    @get(
        "/",
        **needs(KeyScope.READ),
        summary="List specialist agents",
        responses=problems(BadRequest),
        description="A node whose notes say `agent: <slug>` acts as that specialist.",
    )
    async def list_(
        self,
        dependencies: NamedDependency[Dependencies],
        category: Annotated[Category | None, QueryParameter(description="Only of this category")] = None,
    ) -> AgentList:
        """Return the specialists by slug."""
        found = (dependencies.catalog.specialist(slug) for slug in dependencies.catalog.specialists())
        return AgentList(
            items=[summary_of(each) for each in found if each is not None and category in (None, each.category)]
        )

    @get("/{slug:str}", **needs(KeyScope.READ), summary="Show a specialist agent", responses=problems(UnknownAgent))
    async def show(self, slug: Slug, dependencies: NamedDependency[Dependencies]) -> AgentAnswer:
        """Return a specialist."""
        return agent_answer(find_agent(dependencies.catalog, slug))


def find_agent(catalog: Catalog, slug: str) -> Specialist:
    """Return the specialist of a slug.

    Raises:
        UnknownAgent: there is none; it names the nearest.
    """
    found = catalog.specialist(slug)
    if found is None:
        near = get_close_matches(slug, catalog.specialists(), n=SIMILAR)
        hint = f" Did you mean {' or '.join(near)}?" if near else " GET /agents lists all."
        raise UnknownAgent(f"There is no agent {slug!r}.{hint}", similar=near)
    return found
