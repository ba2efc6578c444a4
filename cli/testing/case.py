"""Run one recorded case on a host and write what happened in the shape of a case's `expected`."""

import contextlib
import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cli.testing.clock import FixedClock
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.engine.machine import Engine
from runtime.engine.node_runs import indexed_runs
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import FILES_OF, OfflineCapabilities
from runtime.interpreter.execution import Execution
from runtime.interpreter.run_info import RunInfo
from runtime.values.undefined import without_undefined
from schemas.item import Item, Items, NoJson
from schemas.node import Catalog
from schemas.outcome import Finished
from schemas.plan import Plan

Case = Mapping[str, Any]
EMPTY_ITEM: Final[Items] = [{"json": {}}]
"""The output of n8n's Manual Trigger."""


async def _no_wait(seconds: float) -> None:
    """Return at once: recorded cases do not test time."""
    del seconds


def plan_of(export: Any, catalog: Catalog = CATALOG) -> Plan:
    """Return the plan of an export, its errors as errors of the run. Raises ValueError when it is no export at all."""
    compilation = compile_export(export, file="case", catalog=catalog, lenient=True)
    if compilation.plan is None:
        raise ValueError("; ".join(each.message for each in compilation.diagnostics) or "this is not an n8n export")
    return compilation.plan


def items_of(case: Case, plan: Plan) -> Items:
    """Return the items of the start node: in manual mode a Manual Trigger emits its own one empty item, or its pinned ones."""
    start = plan.step.get(case.get("start") or "")
    if case.get("mode") == "manual" and "offline" not in case and start is not None and start.trigger == "manual":
        return [as_item(each) for each in plan.pin_data.get(start.name) or EMPTY_ITEM]
    return [as_item(each) for each in case.get("input") or []]


def ignores_input(case: Case) -> bool:
    """Return whether the case has an `input` that its start node does not take: see `items_of`. Raises ValueError for what
    is no export.
    """
    items = [as_item(each) for each in case.get("input") or []]
    if case.get("mode") != "manual" or items in ([], EMPTY_ITEM):
        return False
    return items_of(case, plan_of(case["workflow"])) != items


def as_item(value: Any) -> Item:
    """Return an object with `json` as it is, any other value as the json of an item."""
    if isinstance(value, dict) and isinstance(value.get("json"), dict):
        return {**value}  # type: ignore[typeddict-item]
    return {"json": value}


async def run_case(
    case: Case, capabilities: OfflineCapabilities | None = None, catalog: Catalog = CATALOG
) -> dict[str, Any]:
    """Run a case on the local host and return what happened in the shape of `expected`."""
    plan = plan_of(case["workflow"], catalog)
    library = {key: plan_of(export, catalog) for key, export in (case.get("subworkflows") or {}).items()}

    def find(reference: Mapping[str, Any]) -> Plan | None:
        if "export" in reference:
            return plan_of(reference["export"])
        return library.get(str(reference.get("id")))

    clock = FixedClock(case["now"]) if "now" in case else None
    capabilities = clock.capabilities() if clock is not None else capabilities or OfflineCapabilities()
    host = LocalHost(catalog, capabilities, library=find, sleep=_no_wait, clock=clock)
    mode = case.get("mode", "trigger")
    info = RunInfo(execution_id="1", mode=mode, pinned=True, static_data=dict(plan.static_data))
    start = plan.step.get(case["start"]) if case.get("start") else None
    with files_of(case) as folder:
        capabilities.begin("1", case.get("credentials") or {}, folder)
        execution, finished = await run_local(plan, host, info, items_of(case, plan), start=start)
    return describe_execution(execution, finished, host.response)


@contextlib.contextmanager
def files_of(case: Case) -> Iterator[Path | None]:
    """Yield a folder with the `files` of a case (path -> text), which is deleted at the end; None when it has none."""
    if "files" not in case:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tempor8-test-") as folder:
        for path, text in case["files"].items():
            target = Path(folder) / FILES_OF / str(path).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        yield Path(folder)


def describe_execution(
    execution: Execution, finished: Finished, response: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what happened in an execution, in the shape of `expected`."""
    return describe_run(execution.engine, finished, execution.static_data, response)


def describe_run(
    engine: Engine, finished: Finished, static_data: Mapping[str, Any], response: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what happened in a run, from its engine, end, static data and response, in the shape of `expected`."""
    error = None
    if finished.error is not None:
        error = {"node": finished.error.get("node"), "message": finished.error.get("message")}
        if finished.error.get("description"):
            error["description"] = finished.error["description"]
        error["type"] = finished.error.get("name")
    result: dict[str, Any] = {
        "status": finished.status,
        "lastNodeExecuted": finished.last_node,
        "error": error,
        "order": [list(each[:2]) for each in engine.order],
        "nodes": {
            name: [without_undefined(_run(run)) for _, run in indexed_runs(runs)] for name, runs in engine.runs.items()
        },
    }
    if response is not None:
        result["response"] = clean(dict(response))
        result["responses"] = [result["response"]]
    if any(static_data.values()):
        result["staticData"] = clean(dict(static_data))
    return result


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    failed = run.get("failed")
    outputs = run["outputs"]
    entry: dict[str, Any] = {
        "outputs": None
        if failed
        else [None if items is None else [_json(item["json"]) for item in items] for items in outputs],
        "source": [None if source is None else _source(source) for source in run["source"]],
        "status": run["status"],
        "error": None,
    }
    if not failed:
        entry["pairedItem"] = [
            None if items is None else [_paired(item.get("pairedItem")) for item in items] for items in outputs
        ]
        if any(item.get("binary") for items in outputs for item in items or ()):
            entry["binary"] = [None if items is None else [item.get("binary") for item in items] for items in outputs]
    if run.get("error"):
        told = {
            "message": run["error"].get("message"),
            "description": run["error"].get("description"),
            "type": run["error"].get("name"),
        }
        entry["error"] = {key: each for key, each in told.items() if key != "description" or each}
    return entry


def _json(value: Any) -> Any:
    """Return the JSON of an item as it is shown; None for one without any."""
    return None if isinstance(value, NoJson) else clean(value)


def _paired(paired: Any) -> Any:
    """Return a pairing with the numbers of `sourceOverwrite` that are left out where they are 0, as n8n shows them."""
    return [_complete(each) for each in paired] if isinstance(paired, list) else _complete(paired)


def _complete(paired: Any) -> Any:
    source = paired.get("sourceOverwrite") if isinstance(paired, dict) else None
    if not isinstance(source, dict):
        return paired
    return {**paired, "sourceOverwrite": {"previousNodeOutput": 0, "previousNodeRun": 0, **source}}


def _source(source: Mapping[str, Any]) -> list[Any]:
    return [source["previousNode"], source.get("previousNodeOutput", 0), source.get("previousNodeRun", 0)]


def clean(value: Any) -> Any:
    """Return JSON as it is serialised: NaN and infinities as null, undefined values left out."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return str(value)  # the date of an expression is a subclass of str
    if isinstance(value, dict):
        return {
            key: clean(each)
            for key, each in value.items()
            if each is None or isinstance(each, (str, int, float, list, dict))
        }
    if isinstance(value, list):
        return [
            clean(each) if each is None or isinstance(each, (str, int, float, list, dict)) else None for each in value
        ]
    return value
