"""Waits that last until the test ends them: what it looks at meanwhile stands, however slow the machine is."""

from typing import Any

import httpx

from api.dependencies import Dependencies
from schemas.resume_link import token
from tests.exports import node
from tests.service import eventually

__all__ = ["gate", "open_gate"]


def gate(name: str) -> dict[str, Any]:
    """A wait that lasts until the test calls its link."""
    return node(name, "wait", 1.1, resume="webhook")


async def open_gate(caller: httpx.AsyncClient, dependencies: Dependencies, run: str, wait: int) -> None:
    """Call the link of a wait of the run, counted from 0, once it waits there."""
    link = f"/webhook-waiting/{run}/{wait}-{token(dependencies.links.of(run)['resume_secret'], wait)}"

    async def passed() -> bool:
        answer = await caller.get(link)
        assert answer.status_code in (200, 409), answer.text
        return answer.status_code == 200

    await eventually(passed)
