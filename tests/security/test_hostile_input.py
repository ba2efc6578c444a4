"""Every hostile input to every route and to kinds of nodes, beside another tenant's runs, on real processes with their watchdogs.

How long the other tenant's runs take beside it is a row of `make bench ONLY=walls`; here nothing is timed.
"""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from bench.hostile import attack, hostile_world, node_kinds
from bench.hostile_inputs import TEXTS

pytestmark = pytest.mark.long

KINDS: Final = 20
"""Kinds of nodes, each with three texts; `test_hostile_steps` has the others, without processes."""


@pytest.mark.timeout(900)
async def test_no_process_stands_still_and_every_run_of_another_tenant_is_answered(state_folder: Path) -> None:
    """A watchdog ends a process whose loop stands still, which is counted; the other tenant sees every answer, and the right one."""
    folder = state_folder / "hostile"
    folder.mkdir(mode=0o755)
    async with hostile_world(folder, kinds=KINDS) as world:
        stop = asyncio.Event()
        steady = asyncio.create_task(world.steady(stop))
        await attack(world)
        stop.set()
        await steady
        assert world.ends == 0, [each.name for each in world.processes if each.restarts]
        assert world.attacks > 150
        assert world.runs


def test_texts_reach_most_parameters_of_a_node() -> None:
    """A node that takes no text would be no target."""
    kinds = node_kinds(KINDS)
    assert len(kinds) == KINDS
    assert sum(len(each["parameters"]) for each in kinds) > 2 * KINDS
    assert len(TEXTS) >= 30
