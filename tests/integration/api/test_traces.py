"""Traces from end to end: a run on Temporal, its row by the projector, its spans at a collector."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from litestar import Litestar
from pydantic import SecretStr

from api.app import create_app
from api.dependencies import Dependencies
from schemas.trace_ids import run_span_id, step_span_id, trace_id
from service.background_loops import BackgroundLoop, BackgroundLoops
from service.otlp_exporter import OtlpExporter
from service.row_observers import RowObservers
from service.run_traces import RunTraces
from tests.integration.service.canned_runs import until
from tests.otlp_collector import Collector, attributes_of
from tests.service import ended, started
from tests.unit.service.test_run_spans import ROW

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def collector(dependencies: Dependencies, application: Litestar) -> Any:
    """A collector that gets the traces of what the application's projector writes."""
    del application
    with Collector() as up:
        settings = dependencies.settings.model_copy(
            update={
                "traces_endpoint": f"{up.address}/v1/traces",
                "otlp_headers": SecretStr("x-key=a%20key,x-scope=prod"),
                "otlp_service": "orders",
                "otlp_resource": {"deployment.environment.name": "test"},
            }
        )
        exporter = OtlpExporter.of(settings)
        assert exporter is not None
        traces = RunTraces(exporter)
        dependencies.observers.add(traces.note)
        loop = BackgroundLoop("traces", traces.run, late_after=60)
        task = asyncio.create_task(loop.run())
        yield up
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        dependencies.observers._observers.remove(traces.note)
        exporter.close()


async def _spans(collector: Collector, run: str) -> tuple[Any, list[Any]]:
    async def there() -> Any:
        return collector.named("workflow.execute", run)

    (span, *_) = await until(there)
    return span, collector.named("node.execute", run)


async def test_a_run_is_a_trace_with_the_times_of_its_journal(
    acme: httpx.AsyncClient, published: dict[str, Any], collector: Collector
) -> None:
    del published
    before = datetime.now(UTC).timestamp()
    run = await started(acme, "greeting", {"name": "Ada"})
    await ended(acme, run)
    span, steps = await _spans(collector, run)
    history = (await acme.get(f"/workflows/{run}/history")).json()["steps"]
    assert span.trace_id.hex() == trace_id(run)
    assert span.span_id.hex() == run_span_id(run)
    assert before <= span.start_time_unix_nano / 1e9 <= span.end_time_unix_nano / 1e9 <= datetime.now(UTC).timestamp()
    assert attributes_of(span)["n8n.workflow.id"] == "greeting"
    assert attributes_of(span)["tempor8.tenant.id"] == "acme"
    assert [attributes_of(each)["n8n.node.name"] for each in steps] == [each["node"] for each in history]
    for each, recorded in zip(steps, history, strict=True):
        assert each.span_id.hex() == step_span_id(run, recorded["node"], 0)
        assert each.parent_span_id == span.span_id
        began = datetime.fromisoformat(recorded["started_at"]).timestamp()
        assert each.start_time_unix_nano / 1e9 == pytest.approx(began, abs=0.002)
    resource = collector.resources[-1]
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("orders", "test")
    assert (collector.headers[-1]["x-key"], collector.headers[-1]["x-scope"]) == ("a key", "prod")


async def test_a_failed_run_has_the_kind_of_its_error_and_no_message(
    acme: httpx.AsyncClient, published: dict[str, Any], collector: Collector
) -> None:
    del published
    run = await started(acme, "failing")
    answer = await ended(acme, run)
    span, steps = await _spans(collector, run)
    assert span.status.code == 2
    assert attributes_of(span)["error.type"] == answer["error"]["name"]
    assert any(each.status.code == 2 for each in steps)
    assert answer["error"]["message"] not in str(collector.spans)


async def test_a_caller_with_a_trace_of_its_own_is_a_link(
    acme: httpx.AsyncClient, published: dict[str, Any], collector: Collector
) -> None:
    del published
    headers = {"traceparent": TRACEPARENT}
    answer = await acme.post("/workflows/start", json={"workflow_template": "greeting"}, headers=headers)
    run = answer.json()["workflow_id"]
    span, _ = await _spans(collector, run)
    (link,) = span.links
    assert (link.trace_id.hex(), link.span_id.hex()) == tuple(TRACEPARENT.split("-")[1:3])
    second = await started(acme, "greeting")
    assert not (await _spans(collector, second))[0].links


async def test_an_application_with_a_collector_sends_the_rows_that_it_writes(dependencies: Dependencies) -> None:
    """Wired by the settings alone; one without a collector loads no SDK and has no such loop."""
    with Collector() as up:
        settings = dependencies.settings.model_copy(update={"traces_endpoint": f"{up.address}/v1/traces"})
        own = replace(dependencies, settings=settings, observers=RowObservers(), loops=BackgroundLoops())
        app, over = create_app(own, projector=False), asyncio.Event()

        async def live() -> None:
            async with app.lifespan():
                own.observers.show([ROW])
                await over.wait()

        living = asyncio.create_task(live())
        await until(lambda: _there(up))
        assert {each.name for each in own.loops} >= {"traces"}
        over.set()
        await living
    assert "traces" not in {each.name for each in dependencies.loops}


async def _there(collector: Collector) -> bool:
    return bool(collector.named("workflow.execute", ROW.id))
