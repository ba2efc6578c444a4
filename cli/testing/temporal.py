"""Recorded cases on the embedded Temporal: the same plans, the same comparison, another host."""

import asyncio
import contextlib
import json
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from temporalio.client import Client, WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import ApplicationError

from cli.testing.case import Case, describe_run, files_of, items_of, plan_of
from cli.testing.processes import CASE_SECONDS
from runtime.engine.machine import Engine
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from runtime.platform.temporal import connect, data_converter
from schemas import names
from schemas.outcome import Finished
from schemas.plan import Plan
from schemas.run import PAYLOAD_LIMIT, TASK_TIMEOUT, RunResult, StartInput
from service.run_reader import query_state
from service.tenant_rows import insert_tenant

TENANT: Final = "test"
MAX_CONCURRENT_CASES: Final = 8
"""Cases that run at the same time."""
MAX_PAYLOAD_BYTES: Final = 1 << 20
"""Bytes of a payload, all in the history: a recorded history must be complete."""


class CaseTemplates:
    """The sub-workflows of every case, found by the case's own prefix."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, tenant: str, reference: dict[str, Any]) -> dict[str, Any]:
        """Return the plan with this id in the case, or of the export in the parameters."""
        del tenant
        plan = plan_of(reference["export"]) if "export" in reference else self.plans.get(str(reference.get("id")))
        if plan is None:
            return {"error": "Workflow does not exist."}
        return {"plan": plan.model_dump(mode="json"), "template": "sub", "static_data": {}}

    async def save_static_data(
        self, tenant: str, template: str, data: dict[str, Any], poll: Mapping[str, Any] | None = None
    ) -> bool:
        """Save nothing: the static data of a case are read from the run's state."""
        del tenant, template, data, poll
        return True


async def run_cases(
    cases: Sequence[Case],
    histories: Path | None = None,
    limit: float = CASE_SECONDS,
    capabilities: OfflineCapabilities | None = None,
) -> list[dict[str, Any]]:
    """Run cases and return what happened in each, in the shape of `expected`.

    With `histories`, the history of each run is written there, in clear and in the order of the cases (`0001-name.json`).
    A case that takes more than `limit` seconds is terminated, and its status is "timeout".
    """
    with tempfile.TemporaryDirectory(prefix="tempor8-test-") as folder:
        Path(folder).chmod(0o755)  # Postgres runs as a user of its own
        settings = Settings.load({"TEMPOR8_STATE": folder})
        async with EmbeddedProfile(settings, any_ports=True, durable=False, ui=False) as profile:
            plain = profile.settings().model_copy(
                update={"encrypt_payloads": False, "payload_threshold": MAX_PAYLOAD_BYTES}
            )
            return await _on(plain, cases, histories, limit, capabilities or OfflineCapabilities())


async def _on(
    settings: Settings, cases: Sequence[Case], histories: Path | None, limit: float, capabilities: OfflineCapabilities
) -> list[dict[str, Any]]:
    keys = keyring(settings)
    assert settings.database_url is not None
    async with Database(settings.database_url.get_secret_value(), size=8, keys=keys) as database:
        async with database.tenant_transaction(TENANT) as connection:
            await insert_tenant(connection, TENANT, "")
        client = await connect(settings, data_converter(settings, keys, BlobStore(database, keys)))
        templates = CaseTemplates()
        ids = sorted({key for case in cases for key in case.get("subworkflows") or {}})
        async with build_worker(client, capabilities, templates, settings.task_queue):
            gate = asyncio.Semaphore(MAX_CONCURRENT_CASES)

            async def one(i: int, case: Case) -> dict[str, Any]:
                async with gate, contextlib.AsyncExitStack() as stack:
                    for key in _called(case, ids):  # other cases may call another one by this id
                        await stack.enter_async_context(templates.locks[key])
                        templates.plans.pop(key, None)
                    name = "".join(c if c.isalnum() else "-" for c in str(case.get("name") or "case"))
                    history_file = None if histories is None else histories / f"{i:04}-{name[:80]}.json"
                    workflow_id = names.workflow_id(TENANT, "case", str(uuid.uuid4()))
                    capabilities.begin(workflow_id, case.get("credentials") or {}, stack.enter_context(files_of(case)))
                    try:
                        return await _run(
                            client, settings.task_queue, templates, case, history_file, limit, workflow_id
                        )
                    except Exception as error:  # noqa: BLE001  # a case can hold anything, and the others are to run
                        return _not_run("error", f"it cannot be run: {type(error).__name__}: {error}")

            return await asyncio.gather(*(one(i, case) for i, case in enumerate(cases)))


def _called(case: Case, ids: Sequence[str]) -> list[str]:
    """Return the ids of sub-workflows that a case has, or names although it has none of that id: there it does not exist."""
    own, text = case.get("subworkflows") or {}, json.dumps(case.get("workflow"))
    return [key for key in ids if key in own or json.dumps(key) in text]


async def _run(
    client: Client,
    queue: str,
    templates: CaseTemplates,
    case: Case,
    history_file: Path | None,
    limit: float,
    workflow_id: str,
) -> dict[str, Any]:
    plan = plan_of(case["workflow"])
    for key, export in (case.get("subworkflows") or {}).items():
        templates.plans[key] = plan_of(export)
    mode = case.get("mode", "trigger")
    input_ = StartInput(
        plan=plan, tenant=TENANT, template="case", execution_id=workflow_id, start=case.get("start"), mode=mode,
        items=items_of(case, plan), pinned=True, static_data=dict(plan.static_data),
        payload_limit=PAYLOAD_LIMIT,
    )  # fmt: skip
    handle = await client.start_workflow(
        "case", input_.model_dump(mode="json"), id=workflow_id, task_queue=queue, task_timeout=TASK_TIMEOUT,
        result_type=dict,
    )  # fmt: skip
    try:
        result = RunResult.model_validate(await asyncio.wait_for(handle.result(), limit))
    except TimeoutError:
        await handle.terminate("the case took too long")
        return _not_run("timeout", f"This case took more than {limit:g} s and was stopped.")
    except WorkflowFailureError as error:
        if not isinstance(error.cause, ApplicationError) or not error.cause.details:
            return _not_run("error", str(error.cause))
        result = RunResult.model_validate(error.cause.details[0])
    state = await query_state(handle)
    if history_file is not None:
        _write(history_file, await handle.fetch_history())
    journal = result.journal
    engine = Engine(plan, state=state["state"])
    return describe_run(
        engine, Finished(journal.status, journal.last_node, journal.error), state["static_data"], state["response"]
    )


def _not_run(status: str, message: str) -> dict[str, Any]:
    return {"status": status, "error": {"node": None, "message": message}, "order": [], "nodes": {}}


def _write(history_file: Path, history: WorkflowHistory) -> None:
    document = {"workflowId": history.workflow_id, **history.to_json_dict()}
    history_file.write_text(json.dumps(document), encoding="utf-8")
