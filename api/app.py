"""The application: controllers, authentication, problems, and background tasks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Final

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.plugins.pydantic import PydanticPlugin

from api.authentication import PUBLIC, Authentication, Verifier
from api.dependencies import Dependencies
from api.health import HealthController
from api.metrics import MetricsController
from api.openapi import openapi_json
from api.problem_pages import ProblemController
from api.problems import HANDLERS
from api.runs.routes import WorkflowController
from api.templates.routes import TemplateController
from api.tokens import Tokens
from api.triggers.forms import form_handler
from api.triggers.webhooks import webhook_handler
from runtime.platform.pg_listen import listen
from runtime.platform.settings import Settings
from service.projector import Projector
from service.retention import Collector
from service.run_reader import TemporalRuns
from service.run_start import Starter
from service.run_templates import RunTemplates
from service.scheduler import Scheduler
from service.templates import CHANGES

__all__ = ["create_app"]

DESCRIPTION: Final = (
    "Start n8n workflows as durable Temporal runs, watch them, and publish templates. The API key decides the tenant."
)


def create_app(dependencies: Dependencies, *, projector: bool = True) -> Litestar:
    """Return the ASGI application.

    Args:
        dependencies: the servers and stores that it uses.
        projector: run the projector, the scheduler and the collector in this process too.
    """
    templates = RunTemplates(dependencies.database, dependencies.store)
    starter = Starter(
        dependencies.temporal, templates, dependencies.settings.task_queue, dependencies.links, dependencies.transient
    )
    verifier = Verifier(dependencies.tenants, Tokens.of(dependencies.settings))
    return Litestar(
        route_handlers=[
            WorkflowController,
            TemplateController,
            MetricsController,
            HealthController,
            ProblemController,
            openapi_json,
            webhook_handler(dependencies, starter),
            form_handler(dependencies, starter),
        ],
        middleware=[Authentication(verifier)],
        exception_handlers=HANDLERS,
        dependencies={
            "dependencies": _provide(dependencies),
            "starter": _provide(starter),
            "runs": _provide(TemporalRuns(dependencies.temporal)),
            "scheduler": Provide(
                lambda: Scheduler(dependencies.temporal, dependencies.database, dependencies.settings.task_queue),
                sync_to_thread=False,
            ),
        },
        plugins=[PydanticPlugin(prefer_alias=False)],
        request_max_body_size=dependencies.settings.body_limit,
        lifespan=[_background_tasks(dependencies, projector=projector)],
        openapi_config=_openapi(),
        logging_config=None,
    )


def _provide(value: Any) -> Provide:
    def provide() -> Any:
        return value

    return Provide(provide, sync_to_thread=False)


def _background_tasks(dependencies: Dependencies, *, projector: bool) -> Callable[[Litestar], Any]:
    """Return a lifespan with the tasks that run while the application does: notifications for the cache, the projector, ..."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        url = _url(dependencies.settings)
        scheduler = Scheduler(dependencies.temporal, dependencies.database, dependencies.settings.task_queue)
        tasks = [asyncio.create_task(_follow_changes(dependencies, url, scheduler), name="template notices")]
        if projector:
            tasks.append(asyncio.create_task(scheduler.run(), name="scheduler"))
            collector = Collector(
                dependencies.database, dependencies.blobs, timedelta(days=dependencies.settings.retention_days)
            )
            tasks.append(asyncio.create_task(collector.run(), name="collector"))
            projector_ = Projector(dependencies.temporal, dependencies.database, url)
            tasks.append(asyncio.create_task(projector_.run(), name="projector"))
        if dependencies.transient is not None:
            tasks.append(asyncio.create_task(dependencies.transient.run(), name="transient runs"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return lifespan


async def _follow_changes(dependencies: Dependencies, url: str, scheduler: Scheduler) -> None:
    cache = dependencies.templates

    def on_notify(tenant: str) -> None:
        cache.forget(tenant)
        scheduler.wake()

    def on_connected(connected: bool) -> None:
        cache.connected = connected
        cache.forget()

    await listen(url, CHANGES, on_notify, on_connected)


def _url(settings: Settings) -> str:
    return settings.database_url.get_secret_value() if settings.database_url else ""


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="tempor8",
        version=version("tempor8"),
        description=DESCRIPTION,
        openapi_router=Router(path="/openapi", route_handlers=[], opt=PUBLIC, include_in_schema=False),
        render_plugins=[JsonRenderPlugin()],
        security=[{"bearer": []}, {"apiKey": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="An API key"),
                "apiKey": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
            }
        ),
        tags=[Tag(name="Workflows"), Tag(name="Templates"), Tag(name="Monitoring"), Tag(name="Problems")],
        use_handler_docstrings=True,
    )
