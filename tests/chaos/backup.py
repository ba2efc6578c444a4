"""A Postgres that is restored to an earlier state, beside a Temporal that is not."""

import asyncio
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import httpx

from tests.chaos.checks import runs
from tests.chaos.installation import Installation

__all__ = ["Backup", "end_affected"]

SHOWN_AFTER_ATTEMPTS: Final = 3
SECONDS: Final = 150.0
"""By when each run must have ended or be shown as one that cannot go on."""


class Backup:
    """A copy of Postgres' files, taken while it is stopped."""

    def __init__(self, up: Installation) -> None:
        self._server = up.profile.postgres
        self._data = Path(json.loads((up.profile.folder / "postgres.json").read_text())["home"]) / "data"
        self._copy = self._data.with_name("copy")

    async def take(self) -> None:
        """Stop the server, copy its files, start it again."""
        await self._server.process.stop()
        await self._copy_files(self._data, self._copy)
        await self._server.restart()

    async def restore(self) -> None:
        """Lose everything since the copy was made."""
        self._server.process.kill()
        await self._server.process.wait()
        await self._copy_files(self._copy, self._data)
        await self._server.restart()

    async def _copy_files(self, source: Path, target: Path) -> None:
        def copy() -> None:
            shutil.rmtree(target, ignore_errors=True)
            subprocess.run(["cp", "-a", source, target], check=True)  # noqa: S607 - keeps the owner

        await asyncio.to_thread(copy)


async def end_affected(up: Installation) -> set[str]:
    """Wait until every open run ends or is shown as one that cannot go on; terminate those, as an operator would; return them.

    Raises AssertionError: a run neither ends nor is shown.
    """
    until, ended = time.monotonic() + SECONDS, set[str]()
    while True:
        open_ = [run for run in (await runs(up)).values() if run.status == "running" and run.template[1] != "tick"]
        if not open_:
            return ended
        for run in open_:
            if await _cannot_go_on(up, run.template[0], run.id):
                await up.temporal.get_workflow_handle(run.id).terminate("its data are gone")
                ended.add(run.id)
        assert time.monotonic() < until, f"neither ended nor shown: {open_}"
        await asyncio.sleep(2)


async def _cannot_go_on(up: Installation, tenant: str, run: str) -> bool:
    try:
        async with up.client(tenant) as client:
            answer = await client.get(f"/workflows/{run}/status")
    except httpx.TransportError:
        return False
    problems = answer.json()["problems"] if answer.status_code == httpx.codes.OK else []
    return any((each["attempt"] or 0) >= SHOWN_AFTER_ATTEMPTS for each in problems)
