"""Record an installation: `python -m tests.upgrade.record FOLDER` with the code of the release that it shall be one of.

It publishes workflows, starts runs that end and runs that wait, stops everything, and writes what the servers have on disk:
Temporal's database, the rows of every table, and the key. `tests/upgrade/test_upgrade.py` starts today's code on it.
"""

import asyncio
import contextlib
import gzip
import json
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from cli.support.stack import stack
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.credential_store import credential_store
from runtime.platform.settings import Settings
from service.publishing import publish
from service.variables import VariableStore
from tests.exports import export, failing, greeting, node, set_

TENANTS: Final = ("acme", "globex")
MINUTES: Final = 3
"""Of the waits for time: longer than the recording, and over when the installation is started again."""


def workflows() -> dict[str, dict[str, Any]]:
    """What the installation has: runs that end, that fail, and that wait in each way."""
    manual = node("Start", "manualTrigger")
    wait = node("Wait", "wait", 1.1, resume="timeInterval", amount=MINUTES, unit="minutes")
    reads = set_("After", after="={{ $('Before').item.json.before }} {{ $vars.place }}")
    hook = node("Hook", "webhook", 2, path="ask", httpMethod="POST", responseMode="lastNode", options={})
    call = node("Wait", "wait", 1.1, resume="webhook", httpMethod="POST", responseMode="lastNode", options={})
    child = node(
        "Call",
        "executeWorkflow",
        1.2,
        workflowId={"__rl": True, "mode": "id", "value": "timer"},
        mode="once",
        options={},
    )
    called = node("Called", "executeWorkflowTrigger", 1.1, inputSource="passthrough")
    items = node("Items", "code", 2, jsCode="return [1, 2].map(n => ({ json: { n, bulk: 'x'.repeat(35000) } }))")
    every = node("Every", "scheduleTrigger", 1.2, rule={"interval": [{"field": "hours", "hoursInterval": 1}]})
    count = node("Count", "code", 2, jsCode=(
        "const data = $getWorkflowStaticData('global'); data.count = (data.count || 0) + 1; return [{ json: data }]"
    ))  # fmt: skip
    timer = export(
        "Timer", manual, set_("Before", before="=yes"), items, wait, set_("After", after="={{ $vars.place }}")
    )
    timer["nodes"].append(called | {"position": [0, 100]})
    timer["connections"]["Called"] = {"main": [[{"node": "Before", "type": "main", "index": 0}]]}
    return {
        "greeting": greeting(),
        "failing": failing(),
        "timer": timer,
        "link": export("Link", manual, set_("Before", before="yes"), call, reads),
        "parent": export("Parent", manual, items, child, node("End", "noOp")),
        "ask": export("Ask", hook, set_("Reply", reply="=Hello {{ $json.body.name }}")),
        "hourly": export("Hourly", every, node("End", "noOp")),
        "counter": export("Counter", manual, count),
    }


async def record(folder: Path) -> None:
    """Write the recording into `folder`."""
    with tempfile.TemporaryDirectory(prefix="tempor8-upgrade-") as state:
        Path(state).chmod(0o755)
        settings = Settings.load({"TEMPOR8_STATE": state, "TEMPOR8_LOCAL_MODEL_URL": "http://127.0.0.1:9"})
        facts: dict[str, Any] = {}
        async with stack(settings) as up:
            await _ready(up.url)
            for tenant in TENANTS:
                await up.tenants.create(tenant, tenant.title())
                for key, document in workflows().items():
                    compiled = compile_export(json.dumps(document), file=f"{key}.json", catalog=CATALOG)
                    assert compiled.plan is not None, [each.message for each in compiled.diagnostics]
                    await publish(up.templates, tenant, key, compiled)
                await VariableStore(up.database).set(tenant, "place", f"the place of {tenant}")
                store = credential_store(up.settings, up.database, up.keys)
                await store.put(tenant, "httpHeaderAuth", "vendor", {"name": "X-Key", "value": f"secret of {tenant}"})
                facts[tenant] = await _use(up.url, await up.tenants.issue(tenant, "recorded"), tenant)
            await asyncio.sleep(5)
            await asyncio.to_thread(_dump_rows, up.profile.addresses.database_admin_url or "", folder / "rows")
        _pack(Path(state) / "temporal.db", folder / "temporal.db.gz")
        shutil.copy(Path(state) / "master.key", folder / "master.key")
        (folder / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")


async def _ready(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/health")).json()["status"] == "ok":
                    return
            await asyncio.sleep(0.2)


async def _use(url: str, key: str, tenant: str) -> dict[str, Any]:
    """Start a run of each template; return the key, and id and status of each run."""
    runs = {}
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        for template in ("greeting", "failing", "timer", "link", "parent", "counter"):
            answer = await client.post(
                "/workflows/start",
                json={"workflow_template": template, "input_data": {"name": "Ada"}, "user_id": "ada"},
                headers={"Idempotency-Key": f"recorded-{template}"},
            )
            assert answer.status_code in (200, 202), answer.text
            runs[template] = answer.json()["workflow_id"]
        await client.post(f"/webhook/{tenant}/ask", json={"name": "Ada"}, headers={"webhook-id": "1"})
        await asyncio.sleep(5)
        status = {name: (await client.get(f"/workflows/{run}/status")).json()["status"] for name, run in runs.items()}
    return {"key": key, "runs": runs, "status": status}


def _dump_rows(url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
            " order by table_name"
        ).fetchall()
        for (table,) in tables:
            with (
                connection.cursor() as cursor,
                cursor.copy(f'copy "{table}" to stdout with (format csv, header)') as rows,
            ):
                data = b"".join(bytes(each) for each in rows)
            (folder / f"{table}.csv.gz").write_bytes(gzip.compress(data, mtime=0))


def _pack(path: Path, target: Path) -> None:
    with tempfile.NamedTemporaryFile(suffix=".db") as copy, sqlite3.connect(path) as source:
        source.execute("pragma wal_checkpoint(truncate)")
        Path(copy.name).unlink()
        source.execute(f"vacuum into '{copy.name}'")
        target.write_bytes(gzip.compress(Path(copy.name).read_bytes(), mtime=0))
        Path(copy.name).touch()


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
