"""Each line of a task says whose it is: tenant, run, step and try stand on it, and on nothing after it."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.converter import DataConverter
from temporalio.testing import ActivityEnvironment

from runtime.catalog import CATALOG
from runtime.contract import ActivityContext, Items, Outputs
from runtime.contract.capabilities import Log
from runtime.hosts.local.host import LocalHost
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.activities import Activities
from runtime.nodes.crypto import CryptoV1
from runtime.platform.telemetry.logging import begin_context, configure, get_logger
from schemas.plan import Kind
from schemas.task import Task

_log = get_logger("tempor8.test")
BOUND = {"tenant": "acme", "workflow_id": "acme:report:1", "step": "Crypto", "attempt": 2}


class Loud(Log):
    """Lines that are written."""

    def info(self, event: str, **facts: Any) -> None:
        _log.info(event, **facts)


async def run(_self: CryptoV1, context: ActivityContext, _items: Items) -> Outputs:
    context.log.info("a node speaks", size=3)
    logging.getLogger("library").warning("a library speaks")
    return [[]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Return what is logged, while Crypto does nothing but log."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(CryptoV1, "run", run)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure("info")
    yield out
    root.handlers, root.level = handlers, level


def task() -> Task:
    meta = {
        "tenant": "acme", "execution_id": "acme:report:1", "now": 0.0, "timezone": "UTC", "seed": 1, "mode": "trigger",
        "workflow": {}, "connected_outputs": 1, "parents": [],
    }  # fmt: skip
    step = {"name": "Crypto", "type": "n8n-nodes-base.crypto", "version": 1, "kind": "activity"}
    return {
        "step": step, "inputs": [[{"json": {}}]], "source": [], "run_index": 0, "columns": [], "memory": {}, "meta": meta,
        "attempt": 2,
    }  # fmt: skip


def written(lines: io.StringIO) -> list[dict[str, Any]]:
    """Return the facts of each line that are bound."""
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [{"event": row["event"]} | {key: row[key] for key in BOUND if key in row} for row in rows]


async def test_lines_of_an_activity_carry_tenant_run_step_and_try(lines: io.StringIO) -> None:
    begin_context()  # tests share one event loop, and with it what an earlier one bound
    activities: Any = Activities(CATALOG, OfflineCapabilities(log=Loud()), templates=None)  # type: ignore[arg-type]  # no plan is looked up here
    client: Any = SimpleNamespace(data_converter=DataConverter.default)
    await ActivityEnvironment(client=client).run(activities.run_step, task())
    _log.info("after it")
    assert written(lines) == [
        {"event": "a node speaks"} | BOUND, {"event": "a library speaks"} | BOUND, {"event": "after it"},
    ]  # fmt: skip


async def test_lines_of_a_transient_run_carry_them_too(lines: io.StringIO) -> None:
    begin_context()
    await LocalHost(CATALOG, OfflineCapabilities(log=Loud())).work(task(), Kind.ACTIVITY)
    _log.info("after it")
    assert written(lines)[0] == {"event": "a node speaks"} | BOUND
    assert written(lines)[-1] == {"event": "after it"}
