"""All that a tenant may take along, in files: opened, complete, and nothing of anybody else's."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from cli.support.tenant_folder import write_tenant
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.variables import VariableStore
from tests.integration.service.canned_runs import until
from tests.service import ended, started

SECRET = "the-value-of-a-credential"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def test_a_tenants_data_are_in_files_and_no_secret_is(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, published: dict[str, Any], database: Database, service: Settings,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dependencies: Dependencies,
) -> None:  # fmt: skip
    del published
    monkeypatch.setattr(Settings, "load", lambda: service)
    await dependencies.credentials.put("acme", "someApi", "key", {"apiKey": SECRET})
    await VariableStore(database).set("acme", "region", "eu")
    run = await started(acme, "greeting", {"name": "Ada"})
    await ended(acme, run)

    async def is_written() -> bool:
        items = (await acme.get("/workflows", params={"limit": 100})).json()["items"]
        return any(each["workflow_id"] == run and each["status"] == "completed" for each in items)

    await until(is_written)
    folder = tmp_path / "acme"
    counts = await write_tenant("acme", folder, database)
    found = {each["id"]: each for each in lines(folder / "runs.jsonl")}
    assert found[run]["outputs"][0][0]["json"]["greeting"] == "Hello Ada"
    assert [each["node"] for each in found[run]["steps"]] == ["Start", "Greet", "End"]
    assert {each["tenant"] for each in found.values()} == {"acme"}
    assert {"key": "region", "value": "eu"} in lines(folder / "variables.jsonl")
    assert {"type": "someApi", "name": "key"} in lines(folder / "credentials.jsonl")
    assert counts["runs.jsonl"] == len(found)
    versions = sorted((folder / "templates" / "greeting").glob("*.json"))
    exports = [json.loads(path.read_text("utf-8")) for path in versions]
    checked = await globex.post("/templates", params={"key": "moved"}, json=exports[-1])
    assert checked.is_success, "what was exported can be published elsewhere"
    assert "template.publish" in {each["action"] for each in lines(folder / "audit.jsonl")}
    for path in folder.rglob("*.json*"):
        assert SECRET not in path.read_text("utf-8")
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        await write_tenant("acme", folder, database)
