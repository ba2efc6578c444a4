"""A process that is asked to stop while it starts ends cleanly."""

import asyncio
import os
import signal
import sys

import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from tests.patience import PATIENCE


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, 1.0, 3.0])
async def test_a_server_that_is_stopped_once_it_listens_ends_with_code_0(
    embedded: EmbeddedProfile, seconds: float
) -> None:
    """At once, or in the middle of what it does to start."""
    port = free_port()
    environment = {**os.environ, **embedded.environment(), "TEMPOR8_PORT": str(port), "TEMPOR8_LOG_LEVEL": "error"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", "serve", "--no-projector", env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        while not await _listens(port):
            assert process.returncode is None
            await asyncio.sleep(0.005)
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
