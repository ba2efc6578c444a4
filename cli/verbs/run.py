"""`tempor8 run`: compile an export and run it once, durably, on the embedded profile."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.support.json_text import json_text
from cli.support.options import verb

if TYPE_CHECKING:
    from runtime.platform.settings import Settings
    from schemas.plan import Plan
    from schemas.run import RunResult

app = verb()


@app.command()
def run(
    export: Annotated[Path, typer.Argument(help="The export, or - for standard input.")],
    input_: Annotated[
        Path | None, typer.Option("--input", help="Items for the start node: a JSON object or a list; - for stdin.")
    ] = None,
    pin: Annotated[
        Path | None, typer.Option("--pin", help="JSON: node -> the items it gives instead of running.")
    ] = None,
    use_pin_data: Annotated[bool, typer.Option("--use-pin-data", help="Use the export's own pinned data.")] = False,
    start: Annotated[
        str | None, typer.Option("--start", help="The node to start at; n8n's own choice otherwise.")
    ] = None,
    tenant: Annotated[str, typer.Option("--tenant", help="Whose credentials and settings hold.")] = "local",
    allow_unsupported: Annotated[
        bool, typer.Option("--allow-unsupported", help="Steps that cannot run fail when they are reached.")
    ] = False,
) -> None:
    """Compile an export, run it to its end and print what it gives: {"status", "outputs", "error", "steps"}.

    Exit code 0: it succeeded. 1: it does not compile, or the run failed. 2: usage, files, or servers.
    """
    from compiler import compile_export
    from runtime.catalog import CATALOG

    pins = _pins(pin)
    text = _read(export)
    compilation = compile_export(
        text, file=str(export), catalog=CATALOG, allow_unsupported=allow_unsupported or bool(pins) or use_pin_data
    )
    for finding in compilation.diagnostics:
        if finding.level != "info":
            typer.echo(
                f"{finding.at.file}:{finding.at.line or 1}: {finding.code} {finding.level}: {finding.message}", err=True
            )
    if compilation.plan is None:
        raise typer.Exit(1)
    plan = compilation.plan
    plan = plan.model_copy(update={"pin_data": {**(plan.pin_data if use_pin_data else {}), **pins}})
    result = asyncio.run(_run(plan, tenant, _items(input_), start))
    document = {
        "status": result.journal.status,
        "outputs": result.outputs,
        "error": result.journal.error,
        "steps": [step.model_dump() for step in result.journal.steps],
    }
    if result.journal.forgotten:
        document["forgotten"] = {name: gone.model_dump() for name, gone in result.journal.forgotten.items()}
    typer.echo(json_text(document, indent=2))
    if result.journal.status != "success":
        raise typer.Exit(1)


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(2) from None


def _json(path: Path) -> Any:
    try:
        return json.loads(_read(path))
    except ValueError as error:
        typer.echo(f"{path} is not JSON: {error}", err=True)
        raise typer.Exit(2) from None


def _items(path: Path | None) -> list[dict[str, Any]]:
    document = _json(path) if path is not None else {}
    entries = document if isinstance(document, list) else [document]
    if not all(isinstance(each, dict) for each in entries):
        typer.echo(f"{path}: items are JSON objects", err=True)
        raise typer.Exit(2)
    return [each if isinstance(each.get("json"), dict) else {"json": each} for each in entries]


def _pins(path: Path | None) -> dict[str, list[dict[str, Any]]]:
    if path is None:
        return {}
    document = _json(path)
    if not isinstance(document, Mapping) or not all(isinstance(items, list) for items in document.values()):
        typer.echo(f"{path}: pinned data is an object: node name -> list of items", err=True)
        raise typer.Exit(2)
    return {
        node: [each if isinstance(each.get("json"), dict) else {"json": each} for each in items]
        for node, items in document.items()
    }


async def _run(plan: "Plan", tenant: str, items: list[dict[str, Any]], start: str | None) -> "RunResult":
    from runtime.platform.embedded import EmbeddedProfile, attached, running
    from runtime.platform.settings import Settings

    settings = Settings.load()
    if not (settings.embedded_temporal or settings.embedded_postgres):
        return await _on(settings, plan, tenant, items, start)
    if (addresses := running(settings.state_folder.resolve())) is not None:
        return await _on(attached(settings, addresses), plan, tenant, items, start)
    async with EmbeddedProfile(settings, any_ports=True, ui=False) as profile:
        return await _on(profile.settings(), plan, tenant, items, start)


async def _on(
    settings: "Settings", plan: "Plan", tenant: str, items: list[dict[str, Any]], start: str | None
) -> "RunResult":
    import uuid

    from temporalio.client import WorkflowFailureError

    from runtime.hosts.temporal.worker import worker
    from runtime.platform.keys import keyring
    from runtime.platform.postgres import Database
    from runtime.platform.storage.blobs import BlobStore
    from runtime.platform.temporal import connect, data_converter
    from schemas import names
    from schemas.kinds import Mode
    from schemas.run import TASK_TIMEOUT, RunResult, StartInput
    from service.tenants import TenantStore

    queue = f"run-{uuid.uuid4()}"
    settings = settings.model_copy(update={"task_queue": queue})
    keys = keyring(settings)
    assert settings.database_url is not None
    async with (
        Database(settings.database_url.get_secret_value(), size=4, keys=keys) as database,
        worker(settings) as built,
        built,
    ):
        await TenantStore(database, keys).create(tenant)
        client = await connect(settings, data_converter(settings, keys, BlobStore.of(settings, database, keys)))
        template = "".join(c if c.isalnum() or c in "_.-" else "_" for c in plan.name) or "run"
        workflow_id = names.workflow_id(tenant, template, str(uuid.uuid4()))
        input_ = StartInput(
            plan=plan, tenant=tenant, template=template, execution_id=workflow_id, items=items, start=start,
            pinned=bool(plan.pin_data), mode=Mode.MANUAL if plan.pin_data else Mode.TRIGGER,
            payload_limit=settings.payload_limit,
        )  # fmt: skip
        try:
            output = await client.execute_workflow(
                template, input_.model_dump(mode="json"), id=workflow_id, task_queue=queue, task_timeout=TASK_TIMEOUT,
                result_type=dict,
            )  # fmt: skip
        except WorkflowFailureError as error:
            return _failed(error)
        return RunResult.model_validate(output)


def _failed(error: Any) -> "RunResult":
    from temporalio.exceptions import ApplicationError

    from schemas.run import Journal, RunResult

    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.details:
        return RunResult.model_validate(cause.details[0])
    return RunResult(journal=Journal(status="error", error={"name": "Error", "message": str(cause or error)}))
