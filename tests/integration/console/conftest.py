"""Sessions of the console."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from tests.integration.api.test_retention import forget
from tests.service import client

__all__ = ["browser", "forget", "signed_in", "stranger"]


@contextlib.asynccontextmanager
async def signed_in(application: Litestar, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has signed in with a key."""
    async with client(application) as browser:
        answer = await browser.post("/console/sign-in", data={"key": key})
        assert answer.status_code == 303, answer.text
        yield browser


@pytest.fixture(scope="session")
async def browser(application: Litestar, api_keys: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of the first tenant."""
    async with signed_in(application, api_keys[0]) as opened:
        yield opened


@pytest.fixture(scope="session")
async def stranger(application: Litestar, api_keys: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of the second tenant."""
    async with signed_in(application, api_keys[1]) as opened:
        yield opened
