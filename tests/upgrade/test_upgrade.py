"""An installation that an earlier release recorded goes on under today's code: rows, keys, schedules and runs that wait.

`python -m tests.upgrade.record FOLDER` makes a recording. The folder's number is that of its last migration.
"""

import asyncio
import gzip
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

import runtime.platform.embedded.profile
from cli.support.stack import Stack, stack
from runtime.platform.credential_store import credential_store
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.migrate import FOLDER, migrate
from runtime.platform.settings import Settings
from schemas.resume_link import WAITING, link
from service.resume_keys import ResumeLinks
from tests.patience import PATIENCE, attempts
from tests.service import in_a_task

pytestmark = pytest.mark.long

RECORDING = Path(__file__).parent / "installation_0011"
LAST_MIGRATION = 11
FACTS: dict[str, Any] = json.loads((RECORDING / "facts.json").read_text("utf-8"))
TENANTS = sorted(FACTS)
END_SECONDS = PATIENCE


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A state folder with the recording's key and Temporal database, readable by Postgres' own user."""
    with tempfile.TemporaryDirectory(prefix="tempor8-upgrade-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(RECORDING / "master.key", folder)
        (folder / "temporal.db").write_bytes(gzip.decompress((RECORDING / "temporal.db.gz").read_bytes()))
        yield folder


@pytest.fixture(scope="module")
async def installation(state: Path) -> AsyncIterator[Stack]:
    """The whole service of today on the recording."""
    settings = Settings.load({"TEMPOR8_STATE": str(state), "TEMPOR8_PORT": "0", "TEMPOR8_RETENTION_DAYS": "36500",
                              "TEMPOR8_LOCAL_MODEL_URL": "http://127.0.0.1:9"})  # fmt: skip
    await _restore(settings, state)
    async with in_a_task(stack(settings)) as built:
        yield built


async def _restore(settings: Settings, state: Path) -> None:
    """Migrate an empty database as far as the recording had come, and load its rows."""
    old = state / "migrations"
    old.mkdir()
    for path in FOLDER.glob("*.sql"):
        if int(path.name[:4]) <= LAST_MIGRATION:
            shutil.copy(path, old)

    def migrate_to_recording(admin_url: str, app_url: str | None = None) -> Any:
        return migrate(admin_url, app_url, folder=old)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime.platform.embedded.profile, "migrate", migrate_to_recording)
        async with EmbeddedProfile(settings, any_ports=True, ui=False) as profile:
            await asyncio.to_thread(_load_rows, profile.addresses.database_admin_url or "")


def _load_rows(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("set session_replication_role = replica")  # in the order of names, not of references
        tables = {path.name.removesuffix(".csv.gz"): path for path in sorted((RECORDING / "rows").glob("*.csv.gz"))}
        del tables["schema_migrations"]
        for table in tables:  # a migration may have written rows of its own
            connection.execute(f'truncate "{table}" cascade'.encode())
        for table, path in tables.items():
            statement = f'copy "{table}" from stdin with (format csv, header)'
            with connection.cursor() as cursor, cursor.copy(statement.encode()) as rows:
                rows.write(gzip.decompress(path.read_bytes()))


@pytest.fixture(scope="module")
async def clients(installation: Stack) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client of each tenant, with the key that the old release issued."""
    built = {
        tenant: httpx.AsyncClient(
            base_url=installation.url, headers={"Authorization": f"Bearer {facts['key']}"}, timeout=60
        )
        for tenant, facts in FACTS.items()
    }
    async with asyncio.timeout(END_SECONDS):
        while True:
            try:
                if (await built[TENANTS[0]].get("/health")).json()["status"] == "ok":
                    break
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.3)
    yield built
    for each in built.values():
        await each.aclose()


async def _end(client: httpx.AsyncClient, run: str) -> dict[str, Any]:
    """Return the status of a run once it has ended."""
    answer: dict[str, Any] = {}
    for _ in attempts(0.5):
        answer = (await client.get(f"/workflows/{run}/status")).json()
        if answer["status"] != "running":
            return answer
        await asyncio.sleep(0.5)
    raise AssertionError(f"the run still waits: {answer}")


@pytest.mark.parametrize("tenant", TENANTS)
async def test_rows_of_runs_are_as_they_were(clients: dict[str, httpx.AsyncClient], tenant: str) -> None:
    """Each recorded run is listed, the ended ones with the status that they had."""
    answer = await clients[tenant].get("/workflows", params={"limit": 200})
    assert answer.status_code == httpx.codes.OK, answer.text
    page = answer.json()
    listed = {each["workflow_id"]: each["status"] for each in page["items"]}
    for name, run in FACTS[tenant]["runs"].items():
        assert run in listed
        if FACTS[tenant]["status"][name] != "running":
            assert listed[run] == FACTS[tenant]["status"][name]
    assert not any(run.startswith(f"{other}:") for run in listed for other in TENANTS if other != tenant)


@pytest.mark.parametrize("tenant", TENANTS)
@pytest.mark.parametrize("name", ["timer", "parent"])
async def test_a_run_that_waited_ends(clients: dict[str, httpx.AsyncClient], tenant: str, name: str) -> None:
    """A wait for time, and a parent that waits for a child in one, go on after the upgrade."""
    ended = await _end(clients[tenant], FACTS[tenant]["runs"][name])
    assert ended["status"] == "completed", ended["error"]
    if name == "timer":
        result = (await clients[tenant].get(f"/workflows/{ended['workflow_id']}/result")).json()
        assert {item["json"]["after"] for item in result["outputs"][0]} == {f"the place of {tenant}"}


@pytest.mark.parametrize("tenant", TENANTS)
async def test_a_link_of_the_old_release_resumes_its_run(
    installation: Stack, clients: dict[str, httpx.AsyncClient], tenant: str
) -> None:
    """A link that was sent out before the upgrade still works, and the run sees what it had done."""
    run = FACTS[tenant]["runs"]["link"]
    secret = ResumeLinks.of_settings(installation.settings, installation.keys).of(run)["resume_secret"]
    answer = await clients[tenant].post(link(installation.url, WAITING, run, secret, 0), json={"go": "on"})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert answer.json()["after"] == f"yes the place of {tenant}"
    assert (await _end(clients[tenant], run))["status"] == "completed"


@pytest.mark.parametrize("tenant", TENANTS)
async def test_templates_static_data_and_credentials_go_on(
    installation: Stack, clients: dict[str, httpx.AsyncClient], tenant: str
) -> None:
    """A template of the old release starts, counts on from its static data, and its credential opens."""
    client = clients[tenant]
    body = {"workflow_template": "counter", "input_data": {}}
    started = (await client.post("/workflows/start", json=body)).json()
    assert (await _end(client, started["workflow_id"]))["result"]["first_item"] == {"count": 2}
    store = credential_store(installation.settings, installation.database, installation.keys)
    secret = await store.get(tenant, "httpHeaderAuth", "vendor")
    assert secret["value"] == f"secret of {tenant}"
    asked = await client.post(f"/webhook/{tenant}/ask", json={"name": "Grace"})
    assert asked.json()["reply"] == "Hello Grace"


@pytest.mark.parametrize("tenant", TENANTS)
async def test_a_schedule_has_its_next_time(clients: dict[str, httpx.AsyncClient], tenant: str) -> None:
    """A schedule that Temporal had before the upgrade gets today's marks and will fire."""
    schedule: dict[str, Any] = {}
    for _ in attempts(1.0):
        (schedule,) = (await clients[tenant].get("/templates/hourly/schedules")).json()["items"]
        if schedule["applied"] and schedule["next"]:
            return
        await asyncio.sleep(1)
    raise AssertionError(f"the schedule is not applied: {schedule}")
