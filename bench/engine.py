"""How fast the interpreter is by itself: the local host, no server."""

import asyncio
import statistics
import time
from typing import Any

from bench.exports import Export, code, loop, ten_sets, wide
from cli.testing.case import plan_of
from runtime.catalog import CATALOG
from runtime.execution import RunInfo
from runtime.local import LocalHost, OfflineServices, run_local
from schemas.item import Items

RECORDED_N8N: dict[str, tuple[float | None, float | None]] = {
    "100 items x 10 Set x 3 expressions": (885, 156),
    "100 items x 10 Set, no expressions": (42, 12),
    "10,000 items, 107,000 evaluations": (35_684, 6_952),
    "1,000-iteration loop over a Set": (582, 332),
    "Code node on 1 item, warm": (14, 4),
}
"""n8n 2.41.1 on two cores, milliseconds: default engine, legacy engine. Used where no n8n is installed beside us."""


def items(count: int) -> Items:
    """Plain items."""
    return [{"json": {"n": i, "name": f"name {i}"}} for i in range(count)]


async def measure(export: Export, given: Items, times: int, services: OfflineServices) -> float:
    """Median milliseconds of a run, after one that warms up."""
    plan = plan_of(export)
    spent = []
    for _ in range(times + 1):
        host = LocalHost(CATALOG, services)
        before = time.perf_counter()
        _, finished = await run_local(plan, host, RunInfo(execution_id="bench"), given)
        spent.append((time.perf_counter() - before) * 1000)
        if finished.status != "success":
            raise RuntimeError(f"the benchmark itself failed: {finished.error}")
    return statistics.median(spent[1:])


async def run() -> list[dict[str, Any]]:
    """Every engine benchmark: name, ours in ms, n8n's recorded ms."""
    services = OfflineServices()
    todo = [
        ("100 items x 10 Set x 3 expressions", ten_sets(3), items(100), 9),
        ("100 items x 10 Set, no expressions", ten_sets(0), items(100), 9),
        ("10,000 items, 107,000 evaluations", wide(), items(10_000), 3),
        ("100,000 items, 1,070,000 evaluations", wide(), items(100_000), 1),
        ("1,000-iteration loop over a Set", loop(), items(1_000), 5),
        ("Code node on 1 item, warm", code(), items(1), 20),
    ]
    rows = []
    for name, export, given, times in todo:
        spent = await measure(export, given, times, services)
        default, legacy = RECORDED_N8N.get(name, (None, None))
        rows.append({"name": name, "ms": round(spent, 2), "n8n_ms": default, "n8n_legacy_ms": legacy})
    return rows


if __name__ == "__main__":
    for row in asyncio.run(run()):
        print(row)
