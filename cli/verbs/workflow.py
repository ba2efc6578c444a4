"""`tempor8 workflow`: runs over the REST API."""

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.support.options import verb
from cli.support.proxies import is_elsewhere
from cli.support.rest import DEFAULT_URL, Key, Url, client, show
from cli.support.runs import Declared, Fingerprint, Since, Template, Trigger, Until, User, Version
from schemas.kinds import RunStatus

if TYPE_CHECKING:
    from cli.client.models import Answer, RetryRequest, StartRequest

app = verb()


WorkflowId = Annotated[str, typer.Argument(help="The workflow_id that the start printed.")]


@app.callback()
def workflow() -> None:
    """Start and manage runs. Answers are JSON on standard output.

    Exit code 0: done. 1: the API refused, or the run that was waited for did not succeed. 2: usage, or no API there.
    """


@app.command()
def start(
    template: Annotated[str, typer.Argument(help="Key of a published template.")],
    input_: Annotated[
        str, typer.Option("--input", "-i", help="JSON, a file with JSON, or - for standard input.")
    ] = "{}",
    user: Annotated[str | None, typer.Option(help="user_id of the run.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key starts one run only.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end and print the result.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Start a run."""
    api = client(url, key)
    body: StartRequest = {"workflow_template": template, "user_id": user, "input_data": _json(input_)}
    response = api.workflows_start(body, idempotency_key=idempotency_key)
    if not wait:
        show(response)
        return
    workflow_id = response["workflow_id"]
    while api.workflows_status(workflow_id)["status"] == "running":
        _wait(url, f"/workflows/{workflow_id}", key)
    result = api.workflows_result(workflow_id)
    show(result)
    if result["status"] != "completed":
        raise typer.Exit(1)


@app.command()
def status(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Show the status of a run."""
    show(client(url, key).workflows_status(workflow_id))


@app.command()
def result(
    workflow_id: WorkflowId,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the end, 60 at most.")] = 0,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Show the result of a run."""
    show(client(url, key).workflows_result(workflow_id, wait=wait))


@app.command()
def history(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Show what a run did, node by node."""
    show(client(url, key).workflows_history(workflow_id))


@app.command()
def watch(
    workflow_id: WorkflowId,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per event.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Show what a run does, step by step, until it ends. A connection that is cut is made again; no step is missed."""
    from cli.support.follow import follow

    for event in follow(url, f"/workflows/{workflow_id}/events", key):
        if as_json:
            typer.echo(json.dumps({"event": event.kind, "data": event.data}, ensure_ascii=False))
        else:
            typer.echo(_line(event.kind, event.data))
        if event.kind == "end" and event.data["status"] != "completed":
            raise typer.Exit(1)


def _line(kind: str, data: dict[str, Any]) -> str:
    if kind == "end":
        error = data.get("error") or {}
        return f"{data['status']}{': ' + str(error['message']) if error.get('message') else ''}"
    if kind == "status":
        active = data.get("active") or {}
        reason = (active.get("reason") or {}).get("for")
        return (
            f"… {active['node']} {f'waits for {reason}' if reason else 'is active'}"
            if active
            else f"… {data['status']}"
        )
    sign = "✕" if data["status"] == "error" else "✓"
    error = data.get("error") or {}
    after = f": {error['message']}" if error.get("message") else ""
    items = sum(data["items_out"])
    return f"{sign} {data['node']} {data['duration_ms'] or 0} ms, {items} item{'' if items == 1 else 's'}{after}"


@app.command()
def waits(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Show what a run waits for from people, and who has answered."""
    show(client(url, key).workflows_waits(workflow_id))


@app.command()
def answer(
    workflow_id: WorkflowId,
    approve: Annotated[bool | None, typer.Option("--approve/--decline", help="To an approval.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="To a form or a call: JSON, a file with JSON, or -.")
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Answer what a run waits for."""
    body: Answer = {"approved": approve, "data": None if data is None else _json(data)}
    show(client(url, key).workflows_answer(workflow_id, body))


@app.command()
def cancel(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Cancel a run."""
    show(client(url, key).workflows_cancel(workflow_id))


@app.command()
def retry(
    workflow_id: WorkflowId,
    from_node: Annotated[
        str | None, typer.Option(help="Name of the node to begin at; else the one that failed.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Run everything again, with the same input.")
    ] = False,
    with_version: Annotated[
        Version, typer.Option(help="The version that the run had, or the current one.")
    ] = Version.ORIGINAL,
    input_: Annotated[
        str | None, typer.Option("--input", "-i", help="Edited items: a JSON list of objects, a file with it, or -.")
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Retry a run, as a new run."""
    body: RetryRequest = {"from_node": from_node, "from_start": from_start, "with_version": with_version.value}
    if input_ is not None:
        body["input_data"] = _json(input_)
    show(client(url, key).workflows_retry(workflow_id, body))


@app.command("list")
def list_(
    *,
    status: Annotated[RunStatus | None, typer.Option(help="Runs with this status.")] = None,
    template: Template = None,
    trigger: Trigger = None,
    user: User = None,
    field: Declared = None,
    fingerprint: Fingerprint = None,
    since: Since = None,
    until: Until = None,
    problem: Annotated[
        bool | None, typer.Option("--problem/--no-problem", help="Runs that are stuck or incomplete, or all others.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Runs per page, 200 at most.", min=1, max=200)] = 50,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """List runs, newest first."""
    show(
        client(url, key).workflows_list(
            status=status.value if status else None,
            template=template,
            trigger=trigger.value if trigger else None,
            user_id=user,
            field=field,
            fingerprint=fingerprint,
            since=since,
            until=until,
            problem=problem,
            limit=limit,
            cursor=cursor,
        )
    )


def _wait(url: str, path: str, key: str | None) -> None:
    """Wait for the end of the run, 50 s at most; that it goes on (409) is no error here, and the next request tells of a cut."""
    import httpx

    address, headers = f"{url.rstrip('/')}{path}/result", {"X-API-Key": key or ""}
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(address, params={"wait": 50}, headers=headers, timeout=75, trust_env=is_elsewhere(url))


def _json(text: str) -> Any:
    try:
        if text == "-":
            return json.load(sys.stdin)
        if not text.lstrip().startswith(("{", "[")):
            return json.loads(Path(text).read_text(encoding="utf-8"))
        return json.loads(text)
    except OSError as error:
        typer.echo(f"{text}: {error.strerror}", err=True)
    except ValueError as error:
        typer.echo(f"--input is not JSON: {error}", err=True)
    raise typer.Exit(2)
