"""The application: controllers, authentication, problems, and background tasks."""

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

from api.access import check_scope, require_declared
from api.accounts.routes import AccountController
from api.agents.routes import AgentController
from api.answers.routes import AnswerController
from api.audit.middleware import Auditing
from api.audit.routes import AuditController
from api.authentication import PUBLIC, Authentication, OperatorKey, Verifier
from api.codec import CodecController
from api.console.handlers import CONSOLE_HANDLERS
from api.console.session import ConsoleSession
from api.dependencies import Dependencies
from api.docs.pages import docs_asset, docs_page
from api.health import HealthController
from api.json_bodies import check_content_type
from api.json_response import JsonResponse
from api.keys.routes import KeyController
from api.mcp.routes import mcp_message, mcp_stream
from api.metrics import MetricsController
from api.openapi import openapi_json
from api.operator.routes import OperatorController
from api.origins import ContentOrigin, SecurityHeaders
from api.problem_pages import ProblemController
from api.problems import HANDLERS
from api.rates import LookUpRates, Rates, RequestRates, rate_headers
from api.repair.routes import RepairController
from api.request_figures import RequestFigures
from api.request_ids import request_id_header
from api.runs.routes import WorkflowController
from api.runs.turns import StreamTurns
from api.runs.watcher import RunWatchers
from api.templates.routes import TemplateController
from api.tokens import Tokens
from api.triggers.forms import form_handler
from api.triggers.mcp import mcp_handler
from api.triggers.waits import Waits
from api.triggers.webhooks import webhook_handler
from runtime.platform.namespace_retention import NamespaceRetention
from runtime.platform.oidc import OidcProvider
from runtime.platform.pg_listen import listen
from runtime.platform.settings import Settings
from runtime.platform.telemetry.logging import get_logger
from runtime.platform.telemetry.metrics import exposed_runtime
from service.background_loops import BackgroundLoop
from service.changes import CHANGES
from service.deleter import Deleter
from service.key_uses import KeyUses
from service.operator_metrics import OperatorMetrics
from service.otlp_exporter import OtlpExporter
from service.projection.backfill import backfill_rollups
from service.projection.problem_search import WorkerQuestions
from service.projection.projector import Projector
from service.queue_figures import queue_figures
from service.resealing import Resealer
from service.retention import ROUND_SECONDS, Collector
from service.run_figures import RunFigures
from service.run_problems.finder import ProblemFinder
from service.run_reader import TemporalRuns
from service.run_reply import ReplyTimeouts, ReplyWaiter
from service.run_start import Starter
from service.run_templates import RunTemplates
from service.run_traces import RunTraces
from service.schedule_reconciler import ROUND_SECONDS as RECONCILE_SECONDS
from service.schedule_reconciler import ScheduleReconciler
from service.scheduler import Scheduler
from service.template_cache import TemplateCache
from service.worker_presence import WorkerPresence

__all__ = ["create_app"]

log = get_logger("tempor8.api")

DESCRIPTION: Final = (
    "Start n8n workflows as durable Temporal runs, watch them, and publish templates. The API key decides the tenant."
)


def create_app(dependencies: Dependencies, *, projector: bool = True) -> Litestar:
    """Return the ASGI application.

    Args:
        dependencies: the servers and stores that it uses.
        projector: run the projector, the scheduler and the collector in this process too.
    """
    templates = RunTemplates(dependencies.database, dependencies.store, dependencies.settings.run_limit_of)
    settings = dependencies.settings
    timeouts = ReplyTimeouts(reply=settings.reply_timeout, worker=settings.worker_timeout)
    presence = WorkerPresence(dependencies.temporal, settings.task_queue, settings.deployment)
    replies = ReplyWaiter(dependencies.temporal, timeouts, dependencies.shutdown, presence)
    starter = Starter(
        dependencies.temporal,
        templates,
        settings.queue_of,
        dependencies.links,
        dependencies.transient,
        replies,
        per_tenant=settings.starts_per_tenant,
        payload_limit=settings.payload_limit,
        keys=dependencies.start_keys,
        archive=dependencies.archive,
        blobs=dependencies.blobs,
        started=dependencies.started_runs,
    )
    runs = TemporalRuns(dependencies.temporal)
    watchers, rates = RunWatchers(runs, dependencies.shutdown), Rates(settings)
    verifier = Verifier(dependencies.tenants, Tokens.of(dependencies.settings))
    scheduler = Scheduler(dependencies.temporal, dependencies.background, settings.queue_of, _url(settings))
    operator = OperatorKey(settings.operator_key.get_secret_value() if settings.operator_key else None)
    uses = KeyUses(dependencies.tenants)
    app = Litestar(
        route_handlers=[
            WorkflowController,
            AnswerController,
            RepairController,
            TemplateController,
            AgentController,
            MetricsController,
            KeyController,
            AuditController,
            OperatorController,
            HealthController,
            AccountController,
            ProblemController,
            *CONSOLE_HANDLERS,
            CodecController,
            openapi_json,
            docs_page,
            mcp_message,
            mcp_stream,
            docs_asset,
            webhook_handler(dependencies, starter, watchers, rates),
            form_handler(dependencies, starter, rates),
            mcp_handler(dependencies, starter, rates),
        ],
        middleware=[
            *(
                [RequestFigures(exposed_runtime(settings.metrics_address).metric_meter)]
                if settings.metrics_address
                else []
            ),
            StreamTurns(watchers.turns),
            ContentOrigin(settings.content_url),
            ConsoleSession(dependencies.sessions),
            LookUpRates(rates.look_ups),
            Authentication(verifier, operator, uses),
            RequestRates(rates),
            Auditing(dependencies.audit),
        ],
        guards=[check_scope, check_content_type],
        before_send=[SecurityHeaders(settings), rate_headers, request_id_header],
        exception_handlers=HANDLERS,
        response_class=JsonResponse,
        dependencies={
            "dependencies": _provide(dependencies),
            "starter": _provide(starter),
            "runs": _provide(runs),
            "watchers": _provide(watchers),
            "problem_finder": _provide(ProblemFinder(dependencies.temporal, presence)),
            "presence": _provide(presence),
            "scheduler": _provide(scheduler),
            "rates": _provide(rates),
            "verifier": _provide(verifier),
            "operator": _provide(operator),
            "provider": _provide(OidcProvider.of(settings)),
            "waits": _provide(Waits(dependencies, replies)),
        },
        plugins=[PydanticPlugin(prefer_alias=False)],
        request_max_body_size=dependencies.settings.body_limit,
        lifespan=[_background_tasks(dependencies, scheduler, verifier, uses, projector=projector)],
        openapi_config=_openapi(),
        logging_config=None,
    )
    require_declared(app.routes)
    return app


def _provide(value: Any) -> Provide:
    def provide() -> Any:
        return value

    return Provide(provide, sync_to_thread=False)


def _background_tasks(
    dependencies: Dependencies, scheduler: Scheduler, verifier: Verifier, uses: KeyUses, *, projector: bool
) -> Callable[[Litestar], Any]:
    """Return a lifespan with the tasks that run while the application does: notifications for the cache, the projector, ..."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        url = _url(dependencies.settings)
        loops = dependencies.loops
        loops.start(
            BackgroundLoop(
                "template notices",
                lambda loop: _follow_changes(dependencies.templates, verifier, url, scheduler, loop),
                late_after=60,
            )
        )
        loops.start(BackgroundLoop("key uses", uses.run, late_after=120))
        workers = WorkerQuestions(dependencies.temporal, dependencies.settings.queues, dependencies.settings.deployment)
        projector_ = (
            Projector(
                dependencies.temporal,
                dependencies.background,
                url,
                archive=dependencies.archive,
                workers=workers,
                observers=dependencies.observers,
            )
            if projector
            else None
        )
        exporter = OtlpExporter.of(dependencies.settings)
        traces = None
        if exporter is not None:
            traces = RunTraces(exporter, dependencies.settings.trace_ratio)
            dependencies.observers.add(traces.note)
            loops.start(BackgroundLoop("traces", traces.run, late_after=300))
        if projector_ is not None:
            collector = Collector(
                dependencies.background,
                dependencies.blobs,
                TemporalRuns(dependencies.temporal),
                timedelta(days=dependencies.settings.retention_days),
                dependencies.audit,
            )
            reconciler = ScheduleReconciler(
                dependencies.temporal, dependencies.background, dependencies.settings.queue_of, url
            )
            deleter = Deleter(
                dependencies.temporal,
                dependencies.background,
                dependencies.blobs,
                dependencies.credentials,
                dependencies.settings.queue_of,
                url,
            )
            resealer = Resealer(dependencies.background, dependencies.tenants.keyring)
            loops.start(BackgroundLoop("sealing", resealer.run, late_after=600))
            loops.start(BackgroundLoop("deletions", deleter.run, late_after=120))
            loops.start(BackgroundLoop("scheduler", scheduler.run, late_after=60))
            loops.start(BackgroundLoop("schedule reconciler", reconciler.run, late_after=3 * RECONCILE_SECONDS))
            loops.start(
                BackgroundLoop(
                    "collector", lambda loop: _collect(dependencies, collector, loop), late_after=2 * ROUND_SECONDS
                )
            )
            loops.start(BackgroundLoop("projector", projector_.run, late_after=60))
            loops.start(BackgroundLoop("projector repair", projector_.repair, late_after=600))
            loops.start(
                BackgroundLoop("rollups", lambda loop: backfill_rollups(dependencies.background, loop), late_after=600)
            )
        if address := dependencies.settings.metrics_address:
            meter = exposed_runtime(address).metric_meter
            dependencies.observers.add(RunFigures(meter, dependencies.settings.metric_tenants).note)
            metrics = OperatorMetrics(
                meter,
                dependencies.background,
                loops,
                {"starts": dependencies.database, "background": dependencies.background},
                projector_,
                lambda: queue_figures(dependencies.temporal, dependencies.settings.queues),
                scheduler if projector else None,
                traces,
            )
            loops.start(BackgroundLoop("operator metrics", metrics.run, late_after=60))
        if dependencies.transient is not None:
            transient = dependencies.transient
            loops.start(BackgroundLoop("transient runs", lambda _: transient.run(), late_after=float("inf")))
        try:
            yield
        finally:
            await loops.stop()
            if exporter is not None:
                exporter.close()

    return lifespan


async def _collect(dependencies: Dependencies, collector: Collector, loop: BackgroundLoop) -> None:
    wanted = timedelta(days=dependencies.settings.retention_days)
    if (hint := (await NamespaceRetention.of(dependencies.temporal, wanted)).hint) is not None:
        log.warning("retention of the namespace is short", hint=hint)
    await collector.run(loop)


async def _follow_changes(
    cache: TemplateCache, verifier: Verifier, url: str, scheduler: Scheduler, loop: BackgroundLoop
) -> None:
    def on_notify(tenant: str) -> None:
        cache.forget(tenant)
        verifier.forget(tenant)
        scheduler.wake()

    def on_connected(connected: bool) -> None:
        cache.connected = verifier.connected = connected
        cache.forget()
        verifier.forget()
        if connected:
            loop.complete_round()

    await listen(url, CHANGES, on_notify, on_connected, loop.complete_round)


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
                "operator": SecurityScheme(type="http", scheme="bearer", description="TEMPOR8_OPERATOR_KEY"),
            }
        ),
        tags=[
            Tag(name=name)
            for name in ("Workflows", "Templates", "Agents", "Monitoring", "Keys and audit", "Operator", "Problems")
        ],
        use_handler_docstrings=True,
    )
