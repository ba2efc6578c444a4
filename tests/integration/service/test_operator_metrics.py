"""The operator's figures, as Prometheus reads them."""

import re
from types import SimpleNamespace

import httpx

from runtime.platform.embedded.process import free_port
from runtime.platform.postgres import Database
from runtime.platform.telemetry.metrics import exposed_runtime
from service.background_loops import BackgroundLoop, BackgroundLoops
from service.operator_metrics import OperatorMetrics


async def test_loops_pools_and_stuck_runs_are_beside_the_sdks_figures(database: Database) -> None:
    """One endpoint has all figures of a process; a cause of stuck runs that is gone counts 0."""
    address = f"127.0.0.1:{free_port()}"
    loops = BackgroundLoops()
    loops._loops["projector"] = BackgroundLoop("projector", lambda _: _never(), late_after=60)
    projector = SimpleNamespace(lag_seconds=1.5, shards=frozenset({1, 2}), unwritable=0)
    # the runtime is one per process and address: this test has its own
    exposed_runtime.cache_clear()
    metrics = OperatorMetrics(exposed_runtime(address).metric_meter, database, loops, {"default": database}, projector)
    metrics._causes = {("workflow_task", "TimedOut")}
    metrics.show_process()
    await metrics.show_runs()
    async with httpx.AsyncClient() as http:
        figures = (await http.get(f"http://{address}/metrics")).text
    for line in (
        r'tempor8_loop_age_seconds\{.*loop="projector".*\} \d',
        r'tempor8_pool_connections\{.*pool="default".*\} \d',
        r"tempor8_projector_lag_seconds.* 1\.5",
        r"tempor8_projector_shards.* 2",
        r'tempor8_stuck_runs\{.*cause="TimedOut".*kind="workflow_task".*\} 0',
        r"tempor8_set_aside_runs.* \d",
    ):
        assert re.search(line, figures), f"{line}\n{figures}"


async def _never() -> None:
    raise AssertionError
