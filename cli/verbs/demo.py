"""`tempor8 demo`: an export becomes a durable run, a worker is killed in the middle of it, and nothing is lost."""

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from cli.support.options import verb

if TYPE_CHECKING:
    import httpx

    from cli.support.stack import Stack

app = verb()

EXPORT: Final = Path(__file__).parents[1] / "demo" / "lead_scoring.json"
SAMPLE: Final = EXPORT.with_name("lead.json")
TEMPLATE: Final = EXPORT.stem
RUN_SECONDS: Final = 900.0
"""Seconds that the run may take: the local model is slow on a busy machine, and each step is shown as it ends."""
ANSWER_SECONDS: Final = 120.0
"""Seconds that one answer of the API may take."""
POLL_SECONDS: Final = 0.2


@app.command()
def demo() -> None:
    """Start everything, publish the exports, run one, kill its worker half-way, and show how it ends.

    Exit code 0: the run succeeded with nothing done twice. 1: it did not. 2: something is in the way.
    """
    from runtime.platform.embedded import EmbeddedError
    from runtime.platform.settings import Settings, SettingsError

    try:
        # the demo is its operator's wish: its tenants have no model of their own
        ok = asyncio.run(_demo(Settings.load().model_copy(update={"local_model": True})))
    except (SettingsError, EmbeddedError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if not ok:
        raise typer.Exit(1)


async def _demo(settings: object) -> bool:
    import httpx

    from cli.support.stack import compile_folder, stack
    from compiler import compile_export
    from runtime.catalog import CATALOG
    from runtime.platform.embedded.fake_vendor import StandIn
    from service.publishing import publish

    began = time.monotonic()
    _print("starting Temporal, Postgres, worker and API")
    async with stack(settings) as up:  # type: ignore[arg-type]
        keys = {}
        for tenant, name in (("acme", "Acme"), ("globex", "Globex")):
            await up.tenants.create(tenant, name)
            keys[tenant] = await up.tenants.issue(tenant, "demo")
        demo = compile_export(EXPORT.read_bytes(), file=EXPORT.name, catalog=CATALOG)
        for path, compilation in [*compile_folder(), (EXPORT, demo)]:
            published = await publish(up.templates, "acme", path.stem, compilation)
            if published is None:
                _print(f"{path} does not compile: {compilation.diagnostics[0].message}")
                return False
            if published.scheduled:  # nothing is to start by itself here
                await up.templates.deactivate("acme", published.key)
            _print(f"published {published.key} version {published.version}, plan {published.plan_hash[:12]}")
        if up.model:
            _print(
                "no model credential is set: agents use the embedded local model (SmolLM2-135M), which is small and poor"
            )
        with StandIn() as vendor:
            await up.tenants.allow_egress("acme", [vendor.url.removeprefix("http://")])
            _print(f"calls to vendors go to a stand-in on this machine, {vendor.url}; nothing leaves it")
            async with httpx.AsyncClient(base_url=up.url, timeout=ANSWER_SECONDS) as client:
                await _ready(client)
                _print(f"ready after {time.monotonic() - began:.1f} s")
                ok = await _run(up, client, keys, vendor)
        _go_on(up, keys["acme"])
    return ok


async def _ready(client: "httpx.AsyncClient") -> None:
    import httpx

    from runtime.platform.embedded.process import START_SECONDS

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = await client.get("/health")
            if answer.status_code == httpx.codes.OK and answer.json().get("status") in ("ok", "healthy"):
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(POLL_SECONDS)
    typer.echo(f"the API did not become healthy within {START_SECONDS:.0f} s; see .tempor8/logs", err=True)
    raise typer.Exit(1)


async def _run(up: "Stack", client: "httpx.AsyncClient", keys: dict[str, str], vendor: Any) -> bool:
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    sample["crm"] = {"base_url": vendor.url}
    ours, theirs = ({"X-API-Key": keys[tenant]} for tenant in ("acme", "globex"))
    body = {"workflow_template": TEMPLATE, "tenant_id": "acme", "user_id": "user_123", "input_data": sample}
    answer = await client.post("/workflows/start", json=body, headers=ours)
    answer.raise_for_status()
    run = answer.json()["workflow_id"]
    _print(f"started {TEMPLATE} for tenant acme: {run}")
    ended = await _follow(up, client, run, ours)
    foreign = await client.get(f"/workflows/{run}/status", headers=theirs)
    _print(f"tenant globex asks for the same run: {foreign.status_code}")
    posts = [each for each in vendor.requests if each.method == "POST" and "/contacts" in each.path]
    _print(f"requests that the CRM stand-in received: {len(posts)}")
    result = (await client.get(f"/workflows/{run}/status", headers=ours)).json()
    typer.echo(json.dumps(result.get("result"), indent=2, ensure_ascii=False))
    once = len({each.key() for each in posts}) == len(posts) <= 1
    return ended == "completed" and foreign.status_code == 404 and once


async def _follow(up: "Stack", client: "httpx.AsyncClient", run: str, headers: dict[str, str]) -> str:
    """Show each step as it ends; kill the worker once the run waits. Return the final status."""
    steps_shown, killed, deadline = 0, False, time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        status = (await client.get(f"/workflows/{run}/status", headers=headers)).json()
        history = (await client.get(f"/workflows/{run}/history", headers=headers)).json()
        for event in history.get("steps", [])[steps_shown:]:
            typer.echo(f"    {event['node']:28} {event['status']:8} {event.get('duration_ms') or 0:8.0f} ms")
        steps_shown = max(steps_shown, len(history.get("steps", [])))
        active = (status.get("progress") or {}).get("active") or {}
        if not killed and str(active.get("node", "")).startswith("Give the mailbox") and up.worker.pid:
            _print(f"kill -9 {up.worker.pid}: the worker is gone, in the middle of the run")
            up.worker.kill()
            killed = True
        if status.get("status") not in ("running", "waiting"):
            _print(f"the run ended: {status.get('status')}{' (the worker was killed once)' if killed else ''}")
            return str(status.get("status")) if killed else "not killed"
        await asyncio.sleep(POLL_SECONDS)
    _print("the run did not end in time")
    return "running"


def _go_on(up: "Stack", key: str) -> None:
    typer.echo(
        f"""
How to go on: `make dev` starts the same and stays up. With it running:
  curl {up.url}/templates -H "X-API-Key: {key}"
  curl -X POST {up.url}/workflows/start -H "X-API-Key: {key}" -H "Content-Type: application/json" \\
    -d '{{"workflow_template": "{TEMPLATE}", "tenant_id": "acme", "user_id": "user_123",
         "input_data": {{"lead_data": {{"name": "Ada", "email": "ada@example.com"}}}}}}'
  Temporal's own web UI: {up.profile.addresses.temporal_ui_url}
Everything is stopped now; the state stays in {up.profile.folder.name}/.
"""
    )


def _print(line: str) -> None:
    typer.echo(f"==> {line}")
