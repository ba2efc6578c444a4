"""`make bench [ONLY=webhook,fanout]`: every figure that the docs state, as JSON lines; ratios are of this run. The parts: `PARTS`."""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable
from typing import Any, Final

from bench import (
    agents,
    durable,
    engine,
    expressions,
    fanout,
    files,
    listeners,
    lists,
    live,
    long,
    neighbours,
    recovery,
    scale,
    short,
    steps,
    telemetry,
    walls,
    webhook,
)

PARTS: Final[dict[str, Callable[[], Any]]] = {
    "engine": lambda: asyncio.run(engine.measure_all()),
    "expressions": expressions.measure,
    "durable": lambda: asyncio.run(durable.measure()),
    "webhook": lambda: asyncio.run(webhook.measure()),
    "steps": lambda: asyncio.run(steps.measure()),
    "short": lambda: asyncio.run(short.measure()),
    "long": lambda: asyncio.run(long.measure()),
    "fanout": lambda: asyncio.run(fanout.measure()),
    "agents": lambda: asyncio.run(agents.measure()),
    "files": lambda: asyncio.run(files.measure()),
    "exports": lists.measure,
    "listeners": lambda: asyncio.run(listeners.measure()),
    "live": lambda: asyncio.run(live.measure()),
    "telemetry": lambda: asyncio.run(telemetry.measure()),
    "neighbours": lambda: asyncio.run(neighbours.measure()),
    "recovery": lambda: asyncio.run(recovery.measure()),
    "walls": lambda: asyncio.run(walls.measure()),
    "lists": lambda: asyncio.run(scale.measure_lists()),
    "scale": lambda: asyncio.run(scale.measure()),
}


def main() -> int:
    """Run the parts named by `ONLY` (all of them without). Exit code 2: one that is not there."""
    wanted = [each for each in os.environ.get("ONLY", "").split(",") if each] or list(PARTS)
    if unknown := [each for each in wanted if each not in PARTS]:
        print(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_average": os.getloadavg()[0]}
    print(json.dumps({"machine": machine}))
    for name in wanted:
        found = PARTS[name]()
        for row in found if isinstance(found, list) else [found]:
            print(json.dumps({name: row}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
