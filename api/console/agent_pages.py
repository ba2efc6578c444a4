"""The specialist agents that nodes can name."""

from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from api.agents.models import agent_answer, summary_of
from api.agents.routes import find_agent
from api.authentication import Principal
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console
from api.dependencies import Dependencies
from api.metrics import AgentFigures, read_metrics
from service.api_keys import KeyScope

__all__ = ["AgentPageController"]

DAYS: Final = 7
"""Whose figures the pages show."""


class AgentPageController(Controller):
    """The list of agents, and one of them."""

    path = "/console/agents"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ))
    async def list_(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return what agents have done, and the specialists by category."""
        catalog = dependencies.catalog
        found = [catalog.specialist(slug) for slug in catalog.specialists()]
        agents = [summary_of(each) for each in found if each is not None]
        figures = await _figures(request.user.tenant, dependencies)
        return page(request, "agents", agents=agents, figures=figures, days=DAYS, slugs={each.slug for each in agents})

    @get("/{slug:str}", **console(KeyScope.READ))
    async def show(
        self,
        request: Request[Principal, None, Any],
        slug: Annotated[str, PathParameter(max_length=64)],
        dependencies: NamedDependency[Dependencies],
    ) -> Response[bytes]:
        """Return an agent. Raises UnknownAgent."""
        agent = agent_answer(find_agent(dependencies.catalog, slug))
        figures = [each for each in await _figures(request.user.tenant, dependencies) if each.agent == slug]
        return page(request, "agent", agent=agent, figures=figures, days=DAYS, slugs=set())


async def _figures(tenant: str, dependencies: Dependencies) -> list[AgentFigures]:
    """Return what each agent of the tenant did in the last days."""
    return (await read_metrics(tenant, 24 * DAYS, dependencies)).agents
