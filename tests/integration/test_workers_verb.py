"""`tempor8 workers`: what it prints and how it exits, against the real server."""

import asyncio
import uuid

import pytest
import typer.testing
from temporalio.client import Client

from cli.main import app
from runtime.platform.settings import Settings
from service.worker_builds import WorkerBuilds
from tests.integration.test_worker_versions import begun, builds, serving, settings, start

__all__ = ["builds", "settings"]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """What the verb reads."""
    return {
        "TEMPORAL_ADDRESS": settings.temporal_address or "",
        "TEMPOR8_DEPLOYMENT": settings.deployment,
        "TEMPOR8_TASK_QUEUE": settings.task_queue,
    }


async def tempor8(environment: dict[str, str], *arguments: str) -> typer.testing.Result:
    """Run a command line."""
    runner = typer.testing.CliRunner()
    return await asyncio.to_thread(runner.invoke, app, list(arguments), env=environment)


async def test_builds_are_listed_and_promoted(
    temporal: Client, tenants: tuple[str, str], settings: Settings, environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A rolling deployment: the new build beside the old one, the promotion, and what is left of the old one."""
    async with serving(settings, "old", monkeypatch), serving(settings, "new", monkeypatch):
        handle = await start(temporal, settings.task_queue, 30)
        await begun(temporal, handle)
        listed = await tempor8(environment, "workers", "list")
        assert listed.exit_code == 0, listed.output
        assert [line.split()[0] for line in listed.output.splitlines()] == ["new", "old"]
        assert "old  current, polls, 1 open runs" in listed.output
        promoted = await tempor8(environment, "workers", "promote", "--build", "new")
        assert promoted.exit_code == 0, promoted.output
        assert promoted.output == "new is current\n1 runs of older builds were told to go over\n"
        await handle.terminate()


async def test_a_promotion_without_a_worker_is_refused(
    tenants: tuple[str, str], settings: Settings, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 with what to do."""
    monkeypatch.setattr("service.worker_builds.KNOWN_WITHIN_SECONDS", 1.0)
    async with serving(settings, "old", monkeypatch):
        refused = await tempor8(environment, "workers", "promote", "--build", "unknown")
    assert refused.exit_code == 1
    assert "A worker of the build must poll" in refused.output


async def test_runs_that_are_left_behind_are_told(
    temporal: Client, tenants: tuple[str, str], settings: Settings, builds: WorkerBuilds, environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Exit code 1 while runs stand still; with --stranded they are moved."""
    monkeypatch.setattr("service.worker_builds.POLL_SECONDS", 1.0)
    async with serving(settings, "old", monkeypatch):
        handle = await start(temporal, settings.task_queue, 60)
        await begun(temporal, handle)
    await asyncio.sleep(1)
    async with serving(settings, "new", monkeypatch):
        left = await tempor8(environment, "workers", "promote", "--build", "new")
        assert left.exit_code == 1
        assert "1 open runs are on build old, for which no worker polls" in left.output
        moved = await tempor8(environment, "workers", "promote", "--build", "new", "--stranded")
        assert moved.exit_code == 0
        assert "1 runs were moved whose build has no worker" in moved.output
        await handle.terminate()


async def test_a_server_that_is_away_is_named(environment: dict[str, str]) -> None:
    """Exit code 2."""
    away = await tempor8({**environment, "TEMPORAL_ADDRESS": "127.0.0.1:1"}, "workers", "list")
    assert away.exit_code == 2
    assert "127.0.0.1:1" in away.output
    assert (await tempor8(environment | {"TEMPOR8_DEPLOYMENT": str(uuid.uuid4())}, "workers", "list")).exit_code == 0
