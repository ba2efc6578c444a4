"""The reference server of the agents contract: routes, token, one answer per idempotency key. Asking a model is an argument.

It keeps answers in memory. Several processes behind one address need a store that they share.
"""

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, Any, Final

from litestar import Controller, Litestar, Request, get, post
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import HeaderParameter, JSONBody, PathParameter
from litestar.plugins.pydantic import PydanticPlugin

from api.agents.models import AgentList, summary_of
from api.agents.problems import UnknownAgent
from api.agents.routes import find_agent
from api.agents_service.models import RunAnswer, RunRequest
from api.json_response import JsonResponse
from api.openapi import public_problems
from api.problems import HANDLERS, BadRequest, Internal, KeyReused, TooManyRequests, Unauthorized, Unavailable
from api.single_flight import SingleFlight
from schemas.node import Catalog

__all__ = ["AgentsService", "Run", "create_agents_service"]

Run = Callable[[str, RunRequest], Awaitable[RunAnswer]]
"""Answers a task for the agent of this slug. Raises Unavailable when a later attempt may succeed."""

KEPT_ANSWERS: Final = 1_000
KEPT_SECONDS: Final = 3_600.0
BODY_BYTES: Final = 8 * 1024 * 1024
RETRY_AFTER_SECONDS: Final = "2"


class AgentsService:
    """Answers each idempotency key of a tenant once. `open_tasks`: tasks that may be under way; one more is a 429."""

    def __init__(self, catalog: Catalog, run: Run, *, open_tasks: int = 32) -> None:
        self.catalog = catalog
        self._run, self._open_tasks, self._open = run, open_tasks, 0
        self._answers: OrderedDict[tuple[str, str], tuple[float, str, RunAnswer]] = OrderedDict()
        self._flights: SingleFlight[tuple[str, str, str], RunAnswer] = SingleFlight()

    async def answer(self, tenant: str, key: str, slug: str, request: RunRequest) -> RunAnswer:
        """Return the answer to a task, the earlier one where the key was used before.

        Raises:
            KeyReused: the key came with another task before.
            TooManyRequests: enough tasks are under way.
        """
        task = f"{slug}\n{request.model_dump_json()}"
        kept = self._answers.get((tenant, key))
        if kept is not None and time.monotonic() - kept[0] < KEPT_SECONDS:
            if kept[1] != task:
                raise KeyReused("The Idempotency-Key was used for another task. Send a new key with a new task.")
            return kept[2]

        async def ask() -> RunAnswer:
            answer = await self._bounded(slug, request)
            self._answers[tenant, key] = (time.monotonic(), task, answer)
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
            return answer

        return await self._flights.do((tenant, key, task), ask)

    async def _bounded(self, slug: str, request: RunRequest) -> RunAnswer:
        if self._open >= self._open_tasks:
            raise TooManyRequests(
                f"{self._open} tasks are under way. Try again later.", headers={"Retry-After": RETRY_AFTER_SECONDS}
            )
        self._open += 1
        try:
            return await self._run(slug, request)
        finally:
            self._open -= 1


class AgentsController(Controller):
    """Everything under /agents."""

    path = "/agents"
    tags = ("Agents",)

    @get("/", summary="List agents", responses=public_problems(Unauthorized, Internal))
    async def list_(self, agents: NamedDependency[AgentsService]) -> AgentList:
        """Return the agents of this service. tempor8 does not ask for it; people do."""
        found = (agents.catalog.specialist(slug) for slug in agents.catalog.specialists())
        return AgentList(items=[summary_of(each) for each in found if each is not None])

    @post(
        "/{slug:str}/run",
        status_code=200,
        summary="Run an agent",
        responses=public_problems(
            BadRequest, Unauthorized, UnknownAgent, KeyReused, TooManyRequests, Internal, Unavailable
        ),
        description="tempor8 asks again after 429 and 5xx, up to four times in all, after `Retry-After` or 1, 2 and 4 seconds; "
        "other statuses fail the node. A key that was answered before gets the same answer and costs nothing.",
    )
    async def run(
        self,
        slug: Annotated[str, PathParameter(max_length=64)],
        data: JSONBody[RunRequest],
        agents: NamedDependency[AgentsService],
        idempotency_key: Annotated[
            str,
            HeaderParameter(
                name="Idempotency-Key", min_length=1, max_length=255, description="The same on every attempt"
            ),
        ],
        tenant_id: Annotated[
            str, HeaderParameter(name="X-Tenant-Id", min_length=1, max_length=63, description="Whose run this is")
        ],
    ) -> RunAnswer:
        """Answer one task."""
        find_agent(agents.catalog, slug)
        if data.agent != slug:
            raise BadRequest(f"agent: {data.agent!r} is not the agent in the path, {slug!r}.")
        return await agents.answer(tenant_id, idempotency_key, slug, data)


@get("/health", opt={"public": True}, security=[{}], summary="Say that the service is up", tags=["Monitoring"])
async def health() -> dict[str, str]:
    """Return that the process answers; no model is asked."""
    await asyncio.sleep(0)
    return {"status": "ok"}


def create_agents_service(service: AgentsService, token: str | None) -> Litestar:
    """Return the ASGI application. `token`: callers must send it as a bearer token; None: anyone may call."""

    def check_token(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        sent = connection.headers.get("authorization", "").removeprefix("Bearer ")
        if token and not handler.opt.get("public") and not hmac.compare_digest(sent.encode(), token.encode()):
            raise Unauthorized("Send the token of this service: `Authorization: Bearer <AI_AGENTS_TOKEN>`.")

    def provide() -> AgentsService:
        return service

    return Litestar(
        route_handlers=[AgentsController, health, contract],
        guards=[check_token],
        dependencies={"agents": Provide(provide, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        response_class=JsonResponse,
        plugins=[PydanticPlugin(prefer_alias=False)],
        request_max_body_size=BODY_BYTES,
        openapi_config=OpenAPIConfig(
            title="Agents service of tempor8",
            version=version("tempor8"),
            description="What tempor8 asks of a service at AI_AGENTS_URL.",
            render_plugins=[JsonRenderPlugin()],
            security=[{"bearer": []}, {}],
            components=Components(
                security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", description="AI_AGENTS_TOKEN")}
            ),
            use_handler_docstrings=True,
        ),
        logging_config=None,
    )


@get("/openapi.json", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def contract(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return the contract, OpenAPI 3.1."""
    schema: dict[str, Any] = request.app.openapi_schema.to_schema()
    return schema
