"""`tempor8 workflow`: runs over the REST API."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.support.options import verb
from cli.support.rest import DEFAULT_URL, Key, Url, call, show

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
    body = {"workflow_template": template, "user_id": user, "input_data": _json(input_)}
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    response = call("POST", url, "/workflows/start", key, json=body, headers=headers)
    if not wait:
        show(response)
        return
    path = f"/workflows/{response['workflow_id']}"
    while call("GET", url, f"{path}/status", key)["status"] == "running":
        _wait(url, path, key)
    result = call("GET", url, f"{path}/result", key)
    show(result)
    if result["status"] != "completed":
        raise typer.Exit(1)


@app.command()
def status(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Show the status of a run."""
    show(call("GET", url, f"/workflows/{workflow_id}/status", key))


@app.command()
def result(
    workflow_id: WorkflowId,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the end, 60 at most.")] = 0,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Show the result of a run."""
    show(call("GET", url, f"/workflows/{workflow_id}/result", key, params={"wait": wait}))


@app.command()
def history(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Show what a run did, node by node."""
    show(call("GET", url, f"/workflows/{workflow_id}/history", key))


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
    return f"{sign} {data['node']} {data['duration_ms'] or 0} ms, {sum(data['items_out'])} items{after}"


@app.command()
def waits(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Show what a run waits for from people, and who has answered."""
    show(call("GET", url, f"/workflows/{workflow_id}/waits", key))


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
    body = {"approved": approve, "data": None if data is None else _json(data)}
    show(call("POST", url, f"/workflows/{workflow_id}/answer", key, json=body))


@app.command()
def cancel(workflow_id: WorkflowId, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """Cancel a run."""
    show(call("POST", url, f"/workflows/{workflow_id}/cancel", key))


@app.command()
def retry(
    workflow_id: WorkflowId,
    from_node: Annotated[
        str | None, typer.Option(help="Name of the node to begin at; else the one that failed.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Run everything again, with the same input.")
    ] = False,
    with_version: Annotated[str, typer.Option(help="original or current.")] = "original",
    input_: Annotated[
        str | None, typer.Option("--input", "-i", help="Edited items: a JSON list of objects, a file with it, or -.")
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Retry a run, as a new run."""
    body: dict[str, Any] = {"from_node": from_node, "from_start": from_start, "with_version": with_version}
    if input_ is not None:
        body["input_data"] = _json(input_)
    show(call("POST", url, f"/workflows/{workflow_id}/retry", key, json=body))


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="running, completed, failed, canceled, ...")] = None,
    template: Annotated[str | None, typer.Option(help="Key of a template.")] = None,
    limit: Annotated[int, typer.Option(help="Runs per page, 200 at most.", min=1, max=200)] = 50,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """List runs, newest first."""
    filters = {"status": status, "template": template, "limit": limit, "cursor": cursor}
    params = {name: value for name, value in filters.items() if value is not None}
    show(call("GET", url, "/workflows", key, params=params))


def _wait(url: str, path: str, key: str | None) -> None:
    """Wait for the end of the run, 50 s at most; that it goes on (409) is no error here."""
    import httpx

    httpx.get(f"{url.rstrip('/')}{path}/result", params={"wait": 50}, headers={"X-API-Key": key or ""}, timeout=75)


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
