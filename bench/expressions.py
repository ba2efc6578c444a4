"""What scripts cost behind their walls: a process apart, an isolate per tenant, nothing kept between two evaluations."""

import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.quantiles import quantiles
from compiler.expressions import compile_expression
from runtime.expressions import PreparedExpressions, evaluate, prepare
from runtime.expressions.scope import Scope
from runtime.expressions.v8 import evaluator_of, start
from runtime.expressions.v8.pool import pools
from schemas.item import Items
from schemas.plan import Kind, Plan, Settings, Step

TENANTS: Final = int(os.environ.get("TENANTS", "10000"))
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TINY: Final = ("={{ $json.a.map(x => x * 2) }}",)
ZONE: Final = ("={{ $now.setZone('Europe/Berlin').toFormat('cccc dd LLLL') }}",)
THREE: Final = (
    *TINY,
    "={{ $now.plus({ days: $json.n }).toISO() }}",
    "={{ $json.s.split(' ').map(x => x.toUpperCase()) }}",
)
CASES: Final[dict[str, tuple[tuple[str, ...], int, int]]] = {
    "tiny script, 1 item": (TINY, 1, 2000),
    "zone and format, 1 item": (ZONE, 1, 1000),
    "100 items x 3 scripts": (THREE, 100, 200),
}
"""Expressions, items, how often they are evaluated."""


def scope(count: int) -> Scope:
    """One step over so many items."""
    items: Items = [{"json": {"a": [1, 2, 3], "n": n, "s": "some words here"}} for n in range(count)]
    step = Step(name="S", id="s", type="test.node", version=1, kind=Kind.INLINE)
    plan = Plan(workflow_id="w", name="Bench", settings=Settings(timezone="UTC"), steps=(step,))
    return Scope(
        plan=plan, step=step, items=items, inputs=[items], source=[], run_index=0, runs={}, memory={}, now=1.7e12, seed=1
    )  # fmt: skip


def prepared(texts: Iterable[str]) -> PreparedExpressions:
    """The expressions, compiled."""
    return prepare(compile_expression(text).expression for text in texts)


def children() -> list[int]:
    """Ids of the processes that evaluate."""
    return [child.pid for pool in (pools().shared, pools().apart) for child in pool._idle]  # noqa: SLF001  # none is busy now


def cpu() -> float:
    """Seconds of processor of this process and of the children."""
    spent = time.process_time()
    for pid in children():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        spent += (int(fields[11]) + int(fields[12])) / TICKS
    return spent


def megabytes() -> float:
    """Resident memory of the children together."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in children())
    return round(pages * PAGE_BYTES / 1e6, 1)


def cost(name: str) -> dict[str, Any]:
    """Microseconds of one evaluation, of the clock and of the processor."""
    texts, count, times = CASES[name]
    expressions, of, run = prepared(texts), scope(count), evaluator_of("bench")
    for _ in range(20):
        evaluate(expressions, of, count, run, final=True)
    spent, before = [], cpu()
    for _ in range(times):
        began = time.perf_counter()
        evaluate(expressions, of, count, run, final=True)
        spent.append((time.perf_counter() - began) * 1e6)
    row = {"case": name} | {f"{key}_us": value for key, value in quantiles(spent, (0.5, 0.95), 0).items()}
    return row | {"processor_us": round((cpu() - before) / times * 1e6)}


def crowd() -> dict[str, Any]:
    """Sixteen threads of twenty tenants: nothing starts while they wait."""
    expressions, of = prepared(TINY), scope(1)
    before = children()

    def one(n: int) -> float:
        began = time.perf_counter()
        evaluate(expressions, of, 1, evaluator_of(f"tenant {n % 20}"), final=True)
        return (time.perf_counter() - began) * 1e6

    with ThreadPoolExecutor(16) as threads:
        spent = list(threads.map(one, range(2000)))
    row = {"case": "16 at once, 20 tenants"} | {f"{k}_us": v for k, v in quantiles(spent, (0.5, 0.95, 1), 0).items()}
    return row | {"processes": len(children()), "started": len(set(children()) - set(before))}


def tenants() -> dict[str, Any]:
    """One evaluation of each of many tenants, in turn: each makes an isolate, and another one's goes."""
    expressions, of = prepared(TINY), scope(1)
    row: dict[str, Any] = {"case": f"{TENANTS} tenants in turn"}
    began = time.perf_counter()
    for n in range(TENANTS):
        if n == min(100, TENANTS // 2):
            row["megabytes_after_100"] = megabytes()
        evaluate(expressions, of, 1, evaluator_of(f"customer {n}"), final=True)
    row["ms_each"] = round((time.perf_counter() - began) / TENANTS * 1e3, 2)
    return row | {"megabytes": megabytes()}


def measure() -> list[dict[str, Any]]:
    """Every row."""
    start()
    return [*map(cost, CASES), crowd(), tenants()]


if __name__ == "__main__":
    for each in measure():
        print(each)
