"""`tempor8 demo`: two exports become durable runs, their worker is killed twice in the middle of them, and nothing is lost."""

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

import typer

from cli.support.options import verb

if TYPE_CHECKING:
    import httpx

    from cli.support.stack import Stack
    from runtime.platform.embedded.fake_vendor import StandIn

app = verb()

ANSWER_SECONDS: Final = 120.0
"""Seconds that one answer of the API may take."""
POLL_SECONDS: Final = 0.2


@app.command()
def demo() -> None:
    """Start everything, publish the exports, run two side by side, kill their worker twice, and show how they end.

    Exit code 0: both runs succeeded with nothing done twice. 1: it did not. 2: something is in the way.
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

    from cli.demo.scenario import EXPORTS
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
        demo = [(path, compile_export(path.read_bytes(), file=path.name, catalog=CATALOG)) for path in EXPORTS]
        for path, compilation in [*compile_folder(), *demo]:
            scheduled = compilation.plan is not None and bool(compilation.plan.schedules)
            # nothing is to start by itself here
            published = await publish(up.templates, "acme", path.stem, compilation, active=not scheduled)
            if published is None:
                _print(f"{path} does not compile: {compilation.diagnostics[0].message}")
                return False
            _print(f"published {published.key} version {published.version}, plan {published.plan_hash[:12]}")
        if up.model:
            _print(
                "no model credential is set: agents use the embedded local model (SmolLM2-135M), which is small and poor"
            )
        with StandIn() as vendor:
            await up.tenants.allow_egress("acme", [vendor.url.removeprefix("http://")])
            _print(f"calls to vendors go to a stand-in on this machine, {vendor.url}; nothing leaves it")
            async with httpx.AsyncClient(base_url=up.url, timeout=ANSWER_SECONDS, trust_env=False) as client:
                await _ready(up, client)
                _print(f"ready after {time.monotonic() - began:.1f} s")
                ok = await _play(up, client, keys, vendor)
        _go_on(up, keys["acme"])
    return ok


async def _ready(up: "Stack", client: "httpx.AsyncClient") -> None:
    import httpx

    from runtime.platform.embedded.process import START_SECONDS

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        up.check_processes()
        try:
            answer = await client.get("/health")
            if answer.status_code == httpx.codes.OK and answer.json().get("status") in ("ok", "healthy"):
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(POLL_SECONDS)
    typer.echo(f"the API did not become healthy within {START_SECONDS:.0f} s; see .tempor8/logs", err=True)
    raise typer.Exit(1)


async def _play(up: "Stack", client: "httpx.AsyncClient", keys: dict[str, str], vendor: "StandIn") -> bool:
    from cli.demo.scenario import Scenario

    acme, globex = ({"X-API-Key": keys[tenant]} for tenant in ("acme", "globex"))
    outcome = await Scenario(up, client, (acme, globex), vendor, _print).play()
    _print(f"requests repeated after two deaths of the worker: {outcome.repeated} (at most 1)")
    _print(f"contacts in the CRM: {outcome.contacts}; refunds paid: {outcome.refunds}")
    _print(f"tenant globex asks for the runs: {', '.join(str(each) for each in sorted(outcome.foreign))}")
    for template, result in outcome.results.items():
        _print(f"result of {template}:")
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    return outcome.ok


def _go_on(up: "Stack", key: str) -> None:
    typer.echo(
        f"""
How to go on: `make dev` starts the same and stays up. With it running:
  curl {up.url}/templates -H "X-API-Key: {key}"
  curl -X POST {up.url}/workflows/start -H "X-API-Key: {key}" -H "Content-Type: application/json" \\
    -d '{{"workflow_template": "lead_scoring", "tenant_id": "acme", "user_id": "user_123",
         "input_data": {{"lead_data": {{"name": "Ada", "email": "ada@example.com"}}}}}}'
  Temporal's own web UI: {up.profile.addresses.temporal_ui_url}
Everything is stopped now; the state stays in {up.profile.folder.name}/.
"""
    )


def _print(line: str) -> None:
    typer.echo(f"==> {line}")
