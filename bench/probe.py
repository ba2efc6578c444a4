"""`python -m bench.probe PORT`: requests of somebody else, one after the other, each as a line `[clock at its begin, milliseconds]`.

A process of its own, since the one that plays the listeners is busy with them. The key is in BENCH_KEY.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

__all__ = ["Samples", "probe"]

Samples = list[tuple[float, float]]
"""Clock at the begin of each request (`time.perf_counter`, which all processes of a machine share) and milliseconds it took."""


@asynccontextmanager
async def probe(port: int, key: str) -> AsyncIterator[Samples]:
    """Ask for the list of runs over and over; the list fills while it is open."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.probe", str(port), env={**os.environ, "BENCH_KEY": key}, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    samples: Samples = []

    async def read() -> None:
        assert child.stdout is not None
        async for line in child.stdout:
            begun, took = json.loads(line)
            samples.append((begun, took))

    reading = asyncio.create_task(read())
    try:
        yield samples
    finally:
        child.terminate()
        await child.wait()
        await reading


def main(port: str) -> None:
    """Ask until the process is ended."""
    headers = {"Authorization": f"Bearer {os.environ['BENCH_KEY']}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        while True:
            before = time.perf_counter()
            client.get("/workflows", params={"limit": 1}, follow_redirects=True).raise_for_status()
            print(json.dumps([before, (time.perf_counter() - before) * 1000]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
