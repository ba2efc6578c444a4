"""A step during which workers die again and again fails, in words; nothing else uses up that budget."""

import asyncio
import contextlib
import pickle
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from temporalio.client import Client

from bench.exports import node
from runtime.platform.settings import Settings
from runtime.platform.watchdog import EXIT_CODE
from tests.integration.test_failures_on_temporal import ended
from tests.integration.test_shares import begin, replay
from tests.integration.test_temporal_host import queue

__all__ = ["queue"]

pytestmark = pytest.mark.long


@contextlib.asynccontextmanager
async def supervised(settings: Settings, queue: str, folder: Path) -> AsyncIterator[list[int]]:
    """Start a worker process, and another one whenever it has died. Yields the exit codes of those that died."""
    codes: list[int] = []
    running: list[asyncio.subprocess.Process] = []

    async def supervise() -> None:
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.integration.dying_worker",
                queue,
                str(folder),
                stdin=asyncio.subprocess.PIPE,
            )
            running[:] = [process]
            await process.communicate(pickle.dumps(settings))
            codes.append(process.returncode or 0)

    supervisor = asyncio.create_task(supervise())
    try:
        yield codes
    finally:
        supervisor.cancel()
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


STEPS: Final = {
    "step": node("Call", "httpRequest", 4.2, {"url": "=https://{{ $json.who }}.example.com/", "options": {}}, 200),
    "local step": node("Call", "code", 2, {"jsCode": "return []"}, 200),
    "inline step": node("Call", "noOp", 1, {}, 200),
}
IN_STEP: Final = "The worker died 3 times in this step"
IN_TASK: Final = "The worker died 3 times in a task of this run"
KILLED, STALLED = -9, EXIT_CODE
ATTEMPTS: Final[dict[str, tuple[str, str, list[int], str | None]]] = {
    "three deaths in a step are too many": ("step", "die die die answer", [KILLED] * 3, IN_STEP),
    "two are not": ("step", "die die answer", [KILLED] * 2, None),
    "a server that is away is no death": ("step", "raise raise die raise answer", [KILLED], None),
    "a step that stands still": ("step", "stall stall stall answer", [STALLED] * 3, IN_STEP),
    "a step that stood still twice": ("step", "stall stall answer", [STALLED] * 2, None),
    "three deaths in a local step": ("local step", "die die die answer", [KILLED] * 3, IN_STEP),
    "two deaths in a local step": ("local step", "die die answer", [KILLED] * 2, None),
    "a local step that stands still": ("local step", "stall stall stall answer", [STALLED] * 3, IN_STEP),
    "three deaths in workflow code": ("inline step", "die die die answer", [KILLED] * 3, IN_TASK),
    "two deaths in workflow code": ("inline step", "die die answer", [KILLED] * 2, None),
}
"""Where, what the attempts do, how the workers end, and the message of the error."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ATTEMPTS)
async def test_a_task_that_ends_its_workers_fails_in_words(
    temporal: Client, service: Settings, tenants: tuple[str, str], queue: str, tmp_path: Path, name: str
) -> None:
    """And another tenant's run, which was with it on the workers that died, does not."""
    step, attempts, deaths, message = ATTEMPTS[name]
    (tmp_path / "attempts").write_text("\n".join(attempts.split()), encoding="utf-8")
    async with supervised(service, queue, tmp_path) as codes:
        guilty = await begin(temporal, queue, "acme", STEPS[step])
        innocent = await begin(temporal, queue, "globex", STEPS[step])
        told = (await ended(guilty, seconds=300)).journal
        assert (await ended(innocent, seconds=60)).journal.status == "success"
    assert (told.error or {}).get("message") == message
    assert codes == deaths
    await replay(temporal, guilty)
