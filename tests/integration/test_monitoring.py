"""Dashboards and alert rules, against a Prometheus that scrapes a running API and worker: each query finds its figures."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from temporalio.client import Client

import api.app
from api.app import create_app
from cli.support.wiring import open_dependencies
from runtime.hosts.temporal.worker import worker as built_worker
from runtime.platform.embedded.process import free_port
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.telemetry.metrics import exposed_runtime
from service.execution_store import ExecutionStore
from service.projection.projector import Projector
from service.tenants import TenantStore
from tests.exports import export, failing, greeting, node
from tests.integration.service.canned_runs import USAGE, begin, canned_worker, row, until
from tests.service import UPDATE, client, ended, started

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
VARIABLES: Final = {"$__rate_interval": "15s", "$tenant": ".*"}
COMPARISON: Final = re.compile(r"^(.*) (?:[<>]=?|==) [\d.]+$", re.DOTALL)
POLLED: Final = re.compile(r'tempor8_queue_pollers\{.*kind="workflow".*task_queue="monitored".*\} [1-9]')
QUIET: Final = {
    "tempor8_stuck_runs": "no run is stuck in the test; its zero appears when one was",
    'status="5xx"': "no request is answered with 5xx",
}
"""Part of an expression -> why it may be empty here."""
SCRAPES = 8
TEMPLATES: Final = {
    "greeting": greeting(),
    "failing": failing(),
    # refused by the egress guard, after its step was a task of a worker
    "calling": export(
        "Calling", node("Start", "manualTrigger"), node("Call", "httpRequest", 4.2, url="http://127.0.0.1:9/")
    ),
}


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every expression of the dashboards, and what each alert compares, with where it is."""
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            found = COMPARISON.match(rule["expr"])
            assert found, f"{rule['alert']} compares with a number at its end"
            yield rule["alert"], found[1]


@pytest.fixture(scope="module")
async def page(
    service: Settings, temporal: Client, database: Database, keys: Keyring, tenants: tuple[str, str],
) -> AsyncIterator[str]:  # fmt: skip
    """The address of an API and a worker with figures of runs: completed, failed, and with a model request."""
    key = await TenantStore(database, keys).issue(tenants[0], "monitoring")
    address = f"127.0.0.1:{free_port()}"
    exposed_runtime.cache_clear()
    settings = service.model_copy(update={**UPDATE, "metrics_address": address, "task_queue": "monitored"})
    monkeypatch = pytest.MonkeyPatch()
    # a lock of its own: another application of this test process projects, too
    monkeypatch.setattr(api.app, "Projector", partial(Projector, lock=7_002))
    up, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with open_dependencies(settings) as dependencies:
            app = create_app(dependencies)
            async with (
                app.lifespan(),
                built_worker(settings) as built,
                built,
                canned_worker(temporal),
                client(app, key) as caller,
            ):
                for name, template in TEMPLATES.items():
                    assert (await caller.post("/templates", params={"key": name}, json=template)).is_success
                await caller.get("/templates")
                for name in TEMPLATES:
                    await ended(caller, await started(caller, name))
                usage = USAGE | {"cost_usd": 0.25}
                paid = await begin(temporal, "completed", usage=usage)
                await paid.result()
                await row(ExecutionStore(database), paid.id, lambda each: each.status == "completed")
                up.set()
                await over.wait()

    living = asyncio.create_task(live())
    waiting = asyncio.create_task(up.wait())
    await asyncio.wait({living, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if living.done():
        waiting.cancel()
        await living
    yield address
    over.set()
    await living
    monkeypatch.undo()


async def test_our_figures_are_on_the_page_with_bounded_labels(page: str) -> None:
    async with httpx.AsyncClient() as http:

        async def counted() -> str | None:
            text = (await http.get(f"http://{page}/metrics")).text
            # queues are asked every few seconds, the first time perhaps before the worker
            polled = POLLED.search(text)
            return text if "tempor8_model_tokens_total{" in text and polled else None

        text = await until(counted)
    for line in (
        r'tempor8_runs_ended_total\{.*status="completed".*tenant="acme".*\} \d',
        r'tempor8_runs_ended_total\{.*status="failed".*\} \d',
        r'tempor8_step_seconds_bucket\{.*type="n8n-nodes-base.set".*le="0.025".*\} \d',
        r"tempor8_step_task_seconds_count\{.*\} \d",
        r'tempor8_http_seconds_bucket\{.*method="GET".*route="/templates.*le="0.05".*\} \d',
        r'tempor8_model_tokens_total\{.*direction="input".*model="m".*\} 7',
        r"tempor8_model_cost_microdollars_total\{.*\} 250000",
        r'tempor8_queue_pollers\{.*kind="workflow".*task_queue="monitored".*\} [1-9]',
        r'tempor8_pool_connections\{.*pool="worker".*\} \d',
        r"tempor8_projector_shards.* 16",
    ):
        assert re.search(line, text), f"{line}\n{text}"
    routes = set(re.findall(r'tempor8_http_seconds_count\{.*?route="([^"]*)"', text))
    assert not [each for each in routes if "acme:" in each], "a route is its pattern"


async def test_prometheus_finds_figures_for_every_query(page: str, tmp_path: Path) -> None:
    """A real server scrapes the page; each expression of dashboards and alerts returns series, and each rule is healthy."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Debian's package prometheus is not installed: .ci/run installs it")
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "prometheus.yaml").write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [{"job_name": "tempor8", "static_configs": [{"targets": [page]}]}],
            }
        )
    )
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                program, f"--config.file={tmp_path / 'prometheus.yaml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address={address}", "--web.enable-lifecycle",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}/api/v1", timeout=60) as http:

            async def scraped() -> bool:
                try:
                    found = await _query(http, f"count_over_time(up[1m]) >= {SCRAPES}")
                except (httpx.TransportError, json.JSONDecodeError):  # it starts
                    return False
                return bool(found)

            await until(scraped)
            empty = []
            for where, expression in expressions():
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)  # noqa: PLW2901
                quiet = any(part in expression for part in QUIET)
                if not await _query(http, expression) and not quiet:
                    empty.append((where, expression))
            assert empty == []
            rules = (await http.get("/rules")).json()["data"]["groups"][0]["rules"]
            assert {(each["name"], each["health"], each.get("lastError")) for each in rules} == {
                (each["name"], "ok", None) for each in rules
            }
            firing = {each["name"] for each in rules if each["state"] == "firing"}
            assert not firing, "nothing is wrong here"
    finally:
        server.terminate()
        server.wait(10)


async def _query(http: httpx.AsyncClient, expression: str) -> list[Any]:
    answer = (await http.get("/query", params={"query": expression})).json()
    assert answer["status"] == "success", f"{expression}: {answer}"
    result: list[Any] = answer["data"]["result"]
    return result


def test_promtool_accepts_the_rules_and_their_unit_tests(tmp_path: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("Debian's package prometheus is not installed: .ci/run installs it")
    for arguments in (["check", "rules", RULES.name], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run([program, *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_leads_to_a_page_that_is_there() -> None:
    docs = DEPLOY.parent / "docs"
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            address = rule["annotations"]["runbook_url"]
            page_, _, heading = address.removeprefix("https://tempor8.github.io/tempor8/").partition("/")
            text = (docs / f"{page_}.md").read_text()
            headings = {
                re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                for line in text.splitlines()
                if line.startswith("#")
            }
            assert not heading.lstrip("#") or heading.lstrip("#") in headings, f"{rule['alert']}: {address}"


def test_there_are_three_dashboards_with_identities_of_their_own() -> None:
    dashboards = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({each["uid"] for each in dashboards}) == len(DASHBOARDS) == 3
    for each in dashboards:
        ids = [panel["id"] for panel in each["panels"]]
        assert len(ids) == len(set(ids))
        assert all(panel["datasource"]["uid"] == "${datasource}" for panel in each["panels"])
