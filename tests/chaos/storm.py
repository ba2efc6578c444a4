"""A storm: load, faults in order, and the checks afterwards."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos.checks import check_effects, check_health, check_runs, check_ticks, settled, thoughts
from tests.chaos.injections import Injections
from tests.chaos.installation import TENANTS, Installation, installation, processes_in
from tests.chaos.load import KINDS, Load
from tests.chaos.vendor import Vendor

__all__ = ["Report", "Storm", "storm"]

PATIENCE: Final = 120.0
"""Seconds after the last fault by which every run must have ended, and by which every delivery must be taken."""
PER_FAULT: Final = 4.0
"""More seconds for each fault: what could not run meanwhile runs afterwards, and what failed often is tried less often."""
TAKEN_AGAIN: Final = {409, 503}
"""What a sender may be told while servers are away: not now; or that an attempt of its own has been taken."""
REPEATS_PER_FAULT: Final = 2 * len(KINDS)
MODEL_REQUESTS: Final = {"webhook": 1, "agent": 2}
"""How often a run of each kind asks a model."""


@dataclass
class Report:
    """Figures of a storm."""

    faults: int
    runs: int = 0
    repeated: int = 0
    recoveries: list[float] = field(default_factory=list)
    """See `Storm.recoveries`."""
    refusals: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        longest, median = max(self.recoveries, default=0), self.recoveries[len(self.recoveries) // 2 :][:1]
        return (
            f"{self.faults} faults, {self.runs} runs, {self.repeated} repeated effects; recovery: "
            f"longest {longest:.1f} s, median {sum(median):.1f} s; answers that made senders try again: {self.refusals}"
        )


@dataclass
class Storm:
    """What goes on while a storm lasts."""

    up: Installation
    vendor: Vendor
    load: Load
    over: list[tuple[float, float]] = field(default_factory=list)
    """When each fault began and was over, in seconds of the monotonic clock."""
    affected: set[str] = field(default_factory=set)
    """Ids of runs whose data are gone: they may have ended otherwise than well."""

    @property
    def patience(self) -> float:
        """Seconds until all must be well."""
        return PATIENCE + PER_FAULT * len(self.over)

    def recoveries(self) -> list[float]:
        """Seconds from the end of each fault until a caller who began afterwards had the result of a run, without later faults."""
        found = []
        for _, over in self.over:
            answers = [answered for began, answered in self.load.replies if began >= over]
            if answers:
                end = min(answers)
                later = sum(max(0.0, min(end, last) - max(over, first)) for first, last in self.over)
                found.append(end - over - later)
        return sorted(found)

    async def inject(self, fault: Callable[[], Awaitable[None]], kinds: Sequence[str] = KINDS) -> None:
        """Do a fault in the middle of the load, and send more afterwards."""
        began = time.monotonic()
        await fault()
        self.over.append((began, time.monotonic()))
        self.load.begin(kinds)


@contextlib.asynccontextmanager
async def storm(
    folder: Path, *, jumping: bool = False, first: Sequence[str] = KINDS
) -> AsyncIterator[tuple[Storm, Report]]:
    """An installation under load; faults are the block's. Afterwards everything is checked and the report is complete."""
    report = Report(0)
    with Vendor() as vendor:
        async with installation(folder, vendor, jumping=jumping) as up:
            going = Storm(up, vendor, Load(up.urls, vendor))
            await check_health(up, going.patience)
            going.load.begin(first)
            yield going, report
            await going.load.taken(going.patience)
            for tenant in TENANTS:
                await up.templates.deactivate(tenant, "tick")
            found = await settled(up, going.patience)
            await check_health(up, going.patience)
        check_runs(found, going.load.deliveries, going.affected)
        check_ticks(vendor, found)
        report.faults, report.runs, report.recoveries = len(going.over), len(found), going.recoveries()
        unfinished = {each.number for each in going.load.deliveries if found[each.workflow_id].status != "completed"}
        report.repeated = check_effects(vendor, going.load.deliveries, unfinished)
        report.refusals = {f"{kind} {status}": n for (kind, status), n in going.load.refusals.items()}
    refused = {status for _, status in going.load.refusals}
    assert refused <= TAKEN_AGAIN, report.refusals
    assert report.repeated <= REPEATS_PER_FAULT * len(going.over), "what is repeated was under way during a fault"
    asked = thoughts(vendor)
    least = sum(
        MODEL_REQUESTS.get(each.kind, 0) for each in going.load.deliveries if each.workflow_id not in going.affected
    )
    most = sum(MODEL_REQUESTS.get(each.kind, 0) for each in going.load.deliveries)
    assert least <= asked <= most + REPEATS_PER_FAULT * len(going.over), (
        "a model is asked again only where it was cut off"
    )
    assert not processes_in(folder), "no process is left"


async def faults(
    folder: Path, names: Sequence[str], *, seconds: tuple[float, float] = (6, 6), drawn: random.Random | None = None
) -> Report:
    """A storm of these faults, one after the other."""
    drawn = drawn or random.Random()  # noqa: S311 - when it hurts most is not known
    async with storm(folder, jumping="clock" in names) as (going, report):
        table = Injections(going.up, drawn, seconds).table()
        for name in names:
            await asyncio.sleep(drawn.uniform(0.3, 1.5))
            began = time.monotonic()
            await going.inject(table[name])
            print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201 - shown when the test fails
    return report
