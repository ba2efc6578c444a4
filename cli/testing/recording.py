"""Make a case of a run, or of the data that an author pinned in an export."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.service import RPCError

from cli.testing.case import describe_run, run_case
from runtime.engine.machine import Engine
from runtime.engine.start_node import start_step
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.outcome import Finished
from schemas.plan import Kind, Plan
from service.run_reader import TemporalRuns, query_state
from service.templates import TemplateStore

__all__ = ["CannotRecordError", "from_export", "from_run"]

OUTSIDE_KINDS = frozenset({Kind.ACTIVITY, Kind.DURABLE, Kind.UNSUPPORTED})
"""Kinds of steps whose outputs are pinned: they use services outside, or wait."""


class CannotRecordError(Exception):
    """There is no such run, or not enough of it is known. The message says which."""


async def from_export(path: Path) -> dict[str, Any]:
    """Run an export offline with its own pinned data and return the case. Raises CannotRecordError."""
    try:
        export = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotRecordError(f"{path}: {error}") from None
    if not isinstance(export, dict) or not isinstance(export.get("nodes"), list):
        raise CannotRecordError(f"{path} is not an n8n export: it has no list of nodes")
    if not export.get("pinData"):
        raise CannotRecordError(f"{path} has no pinned data; pin the nodes that use services outside in n8n's editor")
    case: dict[str, Any] = {"name": path.stem, "workflow": export, "mode": "manual", "input": [{"json": {}}]}
    return {**case, "expected": await run_case(case)}


async def from_run(settings: Settings, workflow_id: str) -> tuple[dict[str, Any], list[str]]:
    """Return the case of a run that has ended, and the names of nodes that it cannot reproduce: their later runs had other
    outputs, or they have a second output, which pinned data cannot hold.

    Raises:
        CannotRecordError: there is no such run, it has not ended, or too little of it is known.
        DatabaseUnavailable, TemporalUnavailable: a server does not answer.
    """
    keys = keyring(settings)
    if settings.database_url is None:
        raise CannotRecordError("DATABASE_URL is not set, and no embedded servers are up (`tempor8 dev`)")
    async with Database(settings.database_url.get_secret_value(), size=2, keys=keys) as database:
        blobs = BlobStore.of(settings, database, keys)
        client = await connect(settings, data_converter(settings, keys, blobs))
        run = await TemporalRuns(client).describe(workflow_id)
        if run is None:
            raise CannotRecordError(f"there is no run {workflow_id!r}")
        if run.open:
            raise CannotRecordError(f"run {workflow_id!r} has not ended")
        source = await TemplateStore(database).source(names.tenant_of(workflow_id), run.plan_hash)
        if source is None:
            raise CannotRecordError(
                f"the export of run {workflow_id!r} is not stored: only those of published templates are"
            )
        state = await _state(client, workflow_id)
    return _case(run.template, *source, state)


async def _state(client: Client, workflow_id: str) -> Mapping[str, Any]:
    try:
        state = await query_state(client.get_workflow_handle(workflow_id))
    except RPCError as error:
        message = f"no worker answers for run {workflow_id!r} ({error.status.name}); is one running?"
        raise CannotRecordError(message) from None
    return state


def _case(name: str, export: dict[str, Any], plan: Plan, state: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    engine = Engine(plan, state=state["state"])
    result = state.get("result") or {}
    journal = result.get("journal") or {}
    finished = Finished(journal.get("status", engine.status), engine.last, journal.get("error"))
    expected = describe_run(engine, finished, state["static_data"], state["response"])
    start_node = engine.order[0][0] if engine.order else (start_step(plan) or plan.steps[0]).name
    outputs = expected["nodes"].get(start_node, [{}])[0].get("outputs") or [[]]
    pins, lost = {}, []
    for step in plan.steps:
        runs = [each["outputs"] or [] for each in expected["nodes"].get(step.name, ())]
        if step.kind in OUTSIDE_KINDS and runs and step.name != start_node:
            pins[step.name] = runs[0][0] if runs[0] else []
            if any(each != runs[0] for each in runs) or any(runs[0][1:]):
                lost.append(step.name)
    case = {
        "name": name, "workflow": {**export, "pinData": pins}, "start": start_node, "mode": "trigger",
        "input": [{"json": each} for each in outputs[0] or []], "expected": expected,
    }  # fmt: skip
    return case, lost
