"""How fast the interpreter is by itself: the local host, no server, beside n8n's engine."""

import asyncio
import json
import statistics
import time
import tracemalloc
from typing import Any, Final

from bench import n8n
from bench.exports import Export, code, loop, ten_sets, wide
from cli.testing.case import plan_of
from runtime.catalog import CATALOG
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.run_info import RunInfo
from schemas.item import Items

RECORDED_N8N: Final[dict[str, tuple[float, float]]] = {
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


CASES: Final[dict[str, tuple[Export, int, int]]] = {
    "100 items x 10 Set x 3 expressions": (ten_sets(3), 100, 9),
    "100 items x 10 Set, no expressions": (ten_sets(0), 100, 9),
    "10,000 items, 107,000 evaluations": (wide(), 10_000, 3),
    "100,000 items, 1,070,000 evaluations": (wide(), 100_000, 1),
    "1,000-iteration loop over a Set": (loop(), 1_000, 9),
    "Code node on 1 item, warm": (code(), 1, 20),
}
"""Export, items, how often it is run."""


async def run(export: Export, given: Items, capabilities: OfflineCapabilities) -> Any:
    """One run to its end. Raises RuntimeError when the benchmark itself is wrong."""
    host = LocalHost(CATALOG, capabilities)
    execution, finished = await run_local(plan_of(export), host, RunInfo(execution_id="bench"), given)
    if finished.status != "success":
        raise RuntimeError(f"the benchmark itself failed: {finished.error}")
    return execution.engine.runs


async def measure(export: Export, given: Items, times: int, capabilities: OfflineCapabilities) -> float:
    """Median milliseconds of a run, after one that warms up; compiling is not counted."""
    plan = plan_of(export)
    spent = []
    for _ in range(times + 1):
        host = LocalHost(CATALOG, capabilities)
        before = time.perf_counter()
        await run_local(plan, host, RunInfo(execution_id="bench"), given)
        spent.append((time.perf_counter() - before) * 1000)
    return statistics.median(spent[1:])


async def memory(capabilities: OfflineCapabilities) -> dict[str, float]:
    """Peak of what 10,000 items through five nodes take, beside the JSON of all that is recorded."""
    given = items(10_000)
    tracemalloc.start()
    runs = await run(wide(), given, capabilities)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = len(json.dumps({name: [each["outputs"] for each in of] for name, of in runs.items()}))
    return {"json_mb": round(size / 1e6, 1), "peak_mb": round(peak / 1e6, 1), "times_json": round(peak / size, 1)}


async def measure_all() -> list[dict[str, Any]]:
    """Every case: ours and n8n's (default, legacy; null where it was not asked or died of it) in milliseconds, and whether n8n was
    measured in this run.
    """
    capabilities = OfflineCapabilities()
    here = n8n.installed()
    asked = {name: (export, items(count)) for name, (export, count, _) in CASES.items() if name in RECORDED_N8N}
    theirs: dict[str, list[float | None]] = {name: list(values) for name, values in RECORDED_N8N.items()}
    if here:
        for place, engine in enumerate(("vm", "legacy")):
            for name, value in n8n.measure(asked, engine).items():
                theirs[name][place] = value
    rows = []
    for name, (export, count, times) in CASES.items():
        spent = await measure(export, items(count), times, capabilities)
        default, legacy = theirs.get(name, (None, None))
        row: dict[str, Any] = {"case": name, "ms": round(spent, 2), "n8n_ms": default, "n8n_legacy_ms": legacy}
        for key, other in (("faster", default), ("faster_than_legacy", legacy)):
            if other is not None:
                row[key] = round(other / spent, 1)
        rows.append(row | {"n8n": ("measured" if here else "recorded") if name in theirs else None})
    rows.append({"case": "memory of 10,000 items through five nodes"} | await memory(capabilities))
    return rows


if __name__ == "__main__":
    for each in asyncio.run(measure_all()):
        print(each)
