"""What `tempor8 dev` publishes of a folder: restarts and edits leave alone what somebody switched on or off."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.support.publish_file import PublishedFile, publish_file
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.postgres import Connection, Database
from service.schedule_store import write_schedules
from service.templates import TemplateStore
from tests.exports import export, node

TENANT = "acme"


@pytest.fixture
async def templates(database: Database, tenants: tuple[str, str]) -> TemplateStore:
    """A store without the template."""
    assert tenants[0] == TENANT
    return TemplateStore(database)


async def saved(templates: TemplateStore, file: Path, *, active: bool, minutes: int = 5) -> PublishedFile:
    """Return what becomes of a schedule that is saved in the folder."""
    rule = {"interval": [{"field": "minutes", "minutesInterval": minutes}]}
    document = export("Ticks", node("Every", "scheduleTrigger", 1.2, rule=rule)) | {"active": active}
    compilation = compile_export(json.dumps(document).encode(), file=str(file), catalog=CATALOG)
    published = await publish_file(templates, TENANT, file, compilation)
    assert published is not None
    return published


async def is_active(templates: TemplateStore, file: Path) -> bool:
    """Return whether the template starts by itself."""
    (summary,) = [each for each in await templates.summaries(TENANT) if each.key == file.stem]
    return summary.active


async def test_a_restart_does_not_start_what_is_inactive(templates: TemplateStore) -> None:
    """It publishes every file of the folder again, and publishing a version makes it active."""
    file = Path("watched-idle.json")
    assert (await saved(templates, file, active=False)).idle
    assert (await saved(templates, file, active=False)).publication is None
    assert not await is_active(templates, file)
    again = await saved(templates, file, active=False, minutes=7)
    assert again.idle
    assert again.publication is not None
    assert not await is_active(templates, file)


async def test_an_inactive_schedule_is_at_no_moment_one_that_runs(
    templates: TemplateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks after schedules starts what is there at once: a poll would fail, since its template is not active."""
    written: list[int] = []

    async def watched(connection: Connection, tenant: str, key: str, schedules: list[Any]) -> None:
        written.append(len(schedules))
        await write_schedules(connection, tenant, key, schedules)

    monkeypatch.setattr("service.templates.write_schedules", watched)
    file = Path("watched-never.json")
    await saved(templates, file, active=False)
    await saved(templates, file, active=False, minutes=7)
    assert written == [0, 0]
    await templates.activate(TENANT, file.stem)
    assert written[-1] == 1


async def test_what_was_activated_by_hand_stays_so(templates: TemplateStore) -> None:
    file = Path("watched-by-hand.json")
    await saved(templates, file, active=False)
    await templates.activate(TENANT, file.stem)
    assert not (await saved(templates, file, active=False)).idle
    assert not (await saved(templates, file, active=False, minutes=9)).idle
    assert await is_active(templates, file)


async def test_what_was_deactivated_by_hand_stays_so(templates: TemplateStore) -> None:
    file = Path("watched-off.json")
    assert not (await saved(templates, file, active=True)).idle
    await templates.deactivate(TENANT, file.stem)
    await saved(templates, file, active=True)
    assert not await is_active(templates, file)


async def test_a_file_without_a_plan_is_not_published(templates: TemplateStore) -> None:
    compilation = compile_export(b"{}", file="empty.json", catalog=CATALOG)
    assert await publish_file(templates, TENANT, Path("watched-empty.json"), compilation) is None
    assert "watched-empty" not in {each.key for each in await templates.summaries(TENANT)}
