"""`tempor8 repair`, `tempor8 templates` and the filters of `tempor8 workflow list`: what an operator without a browser does."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from typer.testing import CliRunner

from cli.main import app
from tests.integration.api.test_repair import failed_runs, publish
from tests.integration.console.chromium import Wire, serving
from tests.service import ended

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture(scope="module")
async def wire(application: Litestar) -> AsyncIterator[Wire]:
    """The API behind a wire."""
    async with serving(application) as opened:
        yield opened


async def told(wire: Wire, key: str, *arguments: str, code: int = 0) -> Any:
    """What `tempor8` answers."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--url", wire.url, "--key", key])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if code == 0 else done.output


async def test_failures_are_listed_previewed_and_tried_again(
    wire: Wire, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    runs = await failed_runs(acme, "verb-repair", "aab")
    (most, least) = (await told(wire, api_keys[0], "repair", "failures", "--template", "verb-repair"))["items"]
    assert (most["runs"], least["runs"]) == (2, 1)
    cause = ("--template", "verb-repair", "--fingerprint", most["fingerprint"])
    listed = await told(wire, api_keys[0], "workflow", "list", *cause, "--trigger", "api", "--json")
    assert {each["workflow_id"] for each in listed["items"]} == set(runs[:2])
    none = await told(wire, api_keys[0], "workflow", "list", "--template", "verb-repair", "--until", "2020-01-01")
    assert none["items"] == []
    assert "is no time" in await told(wire, api_keys[0], "workflow", "list", "--since", "yesterday", code=2)

    await publish(acme, "verb-repair", mended=True)
    retry = ("repair", "retry", *cause, "--with-version", "current")
    preview = await told(wire, api_keys[0], *retry)
    assert (preview["dry_run"], preview["retried"]) == (True, 2)
    assert "name=value" in await told(wire, api_keys[0], "repair", "retry", "--field", "order", code=1)
    done = await told(wire, api_keys[0], *retry, "--do")
    assert (done["dry_run"], done["retried"]) == (False, 2)
    assert {(await ended(acme, each["new_workflow_id"]))["status"] for each in done["runs"]} == {"completed"}


async def test_a_template_is_switched_and_its_versions_are_listed(wire: Wire, api_keys: tuple[str, str]) -> None:
    key = api_keys[0]

    async def active() -> bool:
        items = (await told(wire, key, "templates", "list"))["items"]
        return bool(next(each["active"] for each in items if each["key"] == "greeting"))

    assert (await told(wire, key, "templates", "deactivate", "greeting"))["key"] == "greeting"
    assert not await active()
    assert (await told(wire, key, "templates", "activate", "greeting", "--version", "1"))["key"] == "greeting"
    assert await active()
    assert (await told(wire, key, "templates", "versions", "greeting"))["items"][-1]["version"] == 1
    assert "There is no template" in await told(wire, key, "templates", "activate", "no-such", code=1)


async def test_runs_that_do_not_go_on_are_listed(wire: Wire, api_keys: tuple[str, str]) -> None:
    assert (await told(wire, api_keys[1], "repair", "stuck", "--json")) == {
        "causes": [],
        "items": [],
        "next_cursor": None,
    }
