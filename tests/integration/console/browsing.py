"""What the tests in Chromium have in common."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar

from tests.exports import export, node
from tests.integration.console.chromium import CHROMIUM, SCREENSHOTS, Wire, chromium, serving
from tests.patience import PATIENCE

__all__ = [
    "IN_CHROMIUM",
    "LIVE_MS",
    "browser",
    "pause",
    "picture",
    "placed",
    "sign_in",
    "signed_in",
    "wire",
]

IN_CHROMIUM: Final = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here: apt-get install chromium"),
    pytest.mark.usefixtures("published"),
]
LIVE_MS: Final = int(PATIENCE * 1000)
"""Milliseconds until a test gives up on what the page must show."""


@pytest.fixture(scope="module")
async def wire(application: Litestar) -> AsyncIterator[Wire]:
    """The site."""
    async with serving(application) as opened:
        yield opened


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Any]:
    """Chromium."""
    async with chromium() as opened:
        yield opened


async def sign_in(page: Any, wire: Wire, key: str, path: str = "/console/runs") -> None:
    await page.goto(wire.url + path)
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**{path}")


@contextlib.asynccontextmanager
async def signed_in(wire: Wire, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has signed in, without a browser."""
    async with httpx.AsyncClient(base_url=wire.url) as client:
        assert (await client.post("/console/sign-in", data={"key": key})).status_code == 303
        yield client


async def picture(page: Any, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def placed(*nodes: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """A workflow whose nodes stand beside each other, as an editor leaves them."""
    return export("Placed", *[each | {"position": [240 * x, 0]} for x, each in enumerate(nodes)], **settings)


def pause(name: str, seconds: int) -> dict[str, Any]:
    return node(name, "wait", 1.1, resume="timeInterval", amount=seconds, unit="seconds")
