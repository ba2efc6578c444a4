"""The specialist agents that nodes can name."""

from typing import Annotated, Any

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
from service.api_keys import KeyScope

__all__ = ["AgentPageController"]


class AgentPageController(Controller):
    """The list of agents, and one of them."""

    path = "/console/agents"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ), sync_to_thread=False)
    def list_(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return the agents by category."""
        catalog = dependencies.catalog
        found = [catalog.specialist(slug) for slug in catalog.specialists()]
        return page(request, "agents", agents=[summary_of(each) for each in found if each is not None])

    @get("/{slug:str}", **console(KeyScope.READ), sync_to_thread=False)
    def show(
        self,
        request: Request[Principal, None, Any],
        slug: Annotated[str, PathParameter(max_length=64)],
        dependencies: NamedDependency[Dependencies],
    ) -> Response[bytes]:
        """Return an agent. Raises UnknownAgent."""
        return page(request, "agent", agent=agent_answer(find_agent(dependencies.catalog, slug)))
