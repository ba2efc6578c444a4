"""Everything dies, hangs, is cut off or is poisoned under load: no run is lost, none ends twice, and no effect is forgotten.

`make test` does each kind of fault once; `make chaos` a hundred (CHAOS_KILLS), in an order drawn from CHAOS_SEED.
"""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.backup import Backup, end_affected
from tests.chaos.checks import with_problems
from tests.chaos.faults import Clock
from tests.chaos.injections import DEATHS, HANGS
from tests.chaos.installation import TENANTS, start_quiet
from tests.chaos.storm import faults, storm

pytestmark = pytest.mark.long


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder that Postgres' own user can reach; CHAOS_KEEP leaves it, with its logs."""
    folder = Path(tempfile.mkdtemp(prefix="tempor8-chaos-"))
    folder.chmod(0o755)
    yield folder
    if not os.environ.get("CHAOS_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(400)
async def test_each_server_is_killed_once(state: Path) -> None:
    await faults(state, DEATHS)


@pytest.mark.timeout(400)
async def test_each_server_hangs_once(state: Path) -> None:
    """A process that is stopped keeps its connections open and answers nothing, which is worse than one that is gone."""
    await faults(state, HANGS)


@pytest.mark.timeout(400)
async def test_the_network_is_cut_and_the_disk_is_full(state: Path) -> None:
    await faults(state, ["network", "disk"])


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_another_build_is_promoted_while_workers_die(state: Path) -> None:
    """Runs go over to it or stay with their own; both builds' workers come back without taking anything over."""
    await faults(state, ["promote", "kill worker", "promote", "kill worker"])


@pytest.mark.timeout(400)
async def test_the_clock_jumps(state: Path) -> None:
    if Clock.library() is None:
        pytest.skip("libfaketime is not here: apt-get install libfaketime")
    await faults(state, ["clock"])


@pytest.mark.timeout(400)
async def test_what_cannot_be_read_or_written_is_shown_and_stops_nothing(state: Path) -> None:
    """Odd text, a result that is gone, a foreign seal and a schedule that Temporal refuses, of one tenant under load."""
    await faults(state, ["poison"])


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_an_older_postgres_is_restored(state: Path) -> None:
    """What began before is either done or shown as what cannot go on; what begins afterwards knows nothing of it."""
    async with storm(state) as (going, _):
        backup = Backup(going.up)
        await going.inject(backup.take)
        waiting = {(await start_quiet(going.up, tenant, 8)).json()["workflow_id"] for tenant in TENANTS}
        await asyncio.sleep(4)
        before = {each.workflow_id for each in going.load.deliveries} | waiting
        await going.inject(backup.restore)
        for worker in going.up.workers:  # a worker that still has the run in its memory would not miss its data
            worker.kill()
        terminated = await end_affected(going.up)
        assert waiting <= terminated, "the data of their items are gone"
        going.affected |= before
        assert {id_.partition("~")[0] for id_ in terminated} <= before
        problems = await with_problems(going.up)
        assert {id_.partition("~")[0] for id_ in problems} <= before


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_more_runs_at_once_than_the_machine_can_do_repeat_nothing(state: Path) -> None:
    """Steps that starve would miss their heartbeats and be done again, by a worker that has even less time then."""
    async with storm(state, first=["webhook"] * 250):
        pass


@pytest.mark.chaos
@pytest.mark.timeout(3600)
async def test_everything_is_killed_again_and_again(state: Path) -> None:
    drawn = random.Random(os.environ.get("CHAOS_SEED") or None)  # noqa: S311 - the point is to draw it again
    names = [*DEATHS, *HANGS, "kill worker", "promote", "network", "disk"]
    drawn_names = [drawn.choice(names) for _ in range(int(os.environ.get("CHAOS_KILLS", "100")))]
    drawn_names.insert(len(drawn_names) // 2, "poison")
    print(await faults(state, drawn_names, seconds=(10, 20), drawn=drawn))  # noqa: T201 - the figures of the storm
