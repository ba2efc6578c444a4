"""A process whose event loop stands still ends, and says what stood; one that merely works hard does not."""

import subprocess
import sys
from typing import Final

import pytest

from runtime.platform.watchdog import EXIT_CODE

PROGRAM: Final = """
import asyncio, re, time
from runtime.platform.telemetry import logging
from runtime.platform.watchdog import watched

logging.configure()

def stand():
    {stand}

async def main():
    with watched({seconds}, lambda task: {{"holder": task.get_name() if task else None}}):
        await asyncio.create_task(work(), name="the guilty one")

async def work():
    {work}

asyncio.run(main())
"""
ENDLESS: Final = "while True: pass"
LOCKED: Final = 'import re; re.match("(a+)+$", "a" * 40 + "b")'
BUSY: Final = """
    for _ in range(60):
        sum(range(20_000))
        await asyncio.sleep(0.02)"""
CASES: Final[dict[str, tuple[str, str, float, int, tuple[str, ...]]]] = {
    "a loop in Python": (ENDLESS, "stand()", 1, EXIT_CODE, ("stands still", "in stand", "the guilty one")),
    "sleep on the loop": ("time.sleep(1000)", "stand()", 1, EXIT_CODE, ("in stand", "the guilty one")),
    "a call into C that keeps the interpreter's lock": (LOCKED, "stand()", 0.5, 1, ("in stand", "Timeout (0:00:01.5")),
    "no watchdog": ("time.sleep(2)", "stand()", 0, 0, ()),
    "work in small pieces": ("pass", BUSY, 0.5, 0, ()),
}
"""What stands, how it is called, seconds, exit code, and what the log has."""


@pytest.mark.parametrize("name", CASES)
def test_a_loop_that_stands_still_ends_its_process(name: str) -> None:
    stand, work, seconds, code, told = CASES[name]
    program = PROGRAM.format(stand=stand, work=work, seconds=seconds)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == code, done.stderr
    for each in told:
        assert each in done.stderr
    assert bool(told) or not done.stderr
