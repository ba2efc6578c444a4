"""Uploads are compiled in processes that are killed when they take too long, and the caller's process goes on meanwhile."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import orjson
import pytest

from cli.support.wiring import COMPILER
from compiler import compile_export
from runtime.catalog import CATALOG
from service.compiling import CompileLimit, CompilePool, CompilerCrash
from service.publishing import verdict_metadata
from tests.patience import PATIENCE

NODE = {"name": "A", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}}
EXPORT = orjson.dumps({"name": "One", "nodes": [NODE], "connections": {}})
TENANT = "acme"
BROKEN = b'{"nodes": 1'


def program(text: str) -> Sequence[str]:
    return (sys.executable, "-I", "-c", text)


def sleeper(pids: Path) -> Sequence[str]:
    """A child that never answers, and writes its id into the folder."""
    return program(f"import os, time; open(f'{pids}/{{os.getpid()}}', 'w').close(); time.sleep(600)")


async def pid_in(pids: Path) -> int:
    """The id of the one child, once it has begun."""
    while not (found := list(pids.iterdir())):
        await asyncio.sleep(0.01)
    (one,) = found
    return int(one.name)


def assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.fixture
async def pool() -> AsyncIterator[CompilePool]:
    pool = CompilePool(COMPILER)
    yield pool
    await pool.close()


@pytest.mark.parametrize(
    "export", [EXPORT, BROKEN, b"\xff", b"", orjson.dumps({"nodes": [NODE | {"type": "no.node"}]})]
)
async def test_an_upload_compiles_as_it_does_in_this_process(pool: CompilePool, export: bytes) -> None:
    here = compile_export(export, file="one.json", catalog=CATALOG, allow_unsupported=True)
    there = await pool.compile(TENANT, export, file="one.json", allow_unsupported=True)
    assert (there.plan and there.plan.id) == (here.plan and here.plan.id)
    assert list(there.diagnostics) == [each.to_json() for each in here.diagnostics]
    assert (there.text, there.runnable) == (here.text, here.runnable)
    assert verdict_metadata(there) == verdict_metadata(here)


async def test_a_child_is_used_again(pool: CompilePool) -> None:
    await pool.compile(TENANT, EXPORT, file="a.json")
    (child,) = pool._idle
    await pool.compile(TENANT, EXPORT, file="b.json")
    assert pool._idle == [child]


async def test_an_export_that_takes_too_long_is_refused_and_its_child_is_gone(tmp_path: Path) -> None:
    pool = CompilePool(sleeper(tmp_path), children=1, seconds=1)
    with pytest.raises(CompileLimit, match="longer than 1 seconds"):
        await pool.compile(TENANT, EXPORT, file="a.json")
    assert_gone(await pid_in(tmp_path))


async def test_a_child_without_memory_says_so_and_is_replaced() -> None:
    """The real compiler, with less memory than its own modules need for a large export."""
    nodes = [NODE | {"name": f"A{i}"} for i in range(2000)]
    large = orjson.dumps({"nodes": nodes, "connections": {}})
    pool = CompilePool((*COMPILER[:-1], "1"), children=1)
    for _ in range(2):
        with pytest.raises(CompileLimit, match="too much memory"):
            await pool.compile(TENANT, large, file="a.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os; os.abort()", "ended with -6"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with -9"),
        ("raise KeyError('a mistake')", "ended with 1: .*KeyError: 'a mistake'"),
        ("import sys; sys.stderr.write('x' * 3_000_000); raise SystemExit(3)", "ended with 3: x{2000}$"),
        ("import os, time; os.close(1); time.sleep(0.2)", "ended with 0: $"),
    ],
    ids=["aborted", "killed from outside", "a mistake of the compiler", "says much", "closes its pipe before it ends"],
)
async def test_a_child_that_dies_of_something_else_is_no_fault_of_the_export(text: str, words: str) -> None:
    pool = CompilePool(program(text), children=1)
    with pytest.raises(CompilerCrash, match=f"(?s){words}"):
        await pool.compile(TENANT, EXPORT, file="a.json")


async def test_a_child_that_died_while_it_was_idle_costs_no_export(pool: CompilePool) -> None:
    await pool.compile(TENANT, EXPORT, file="a.json")
    (child,) = pool._idle
    child.process.kill()
    await child.process.wait()
    assert (await pool.compile(TENANT, EXPORT, file="a.json")).runnable


async def test_a_tenant_whose_exports_take_long_leaves_a_child_to_the_others(tmp_path: Path) -> None:
    """The slow tenant sends more exports than there are children; one child of two is asked by another tenant all the same."""
    pool = CompilePool(sleeper(tmp_path), children=2)
    slow = [asyncio.create_task(pool.compile("acme", EXPORT, file="a.json")) for _ in range(4)]
    first = await pid_in(tmp_path)
    await asyncio.sleep(0.5)
    assert [int(each.name) for each in tmp_path.iterdir()] == [first]
    slow.append(asyncio.create_task(pool.compile("globex", EXPORT, file="a.json")))
    async with asyncio.timeout(PATIENCE):
        while len(list(tmp_path.iterdir())) < 2:
            await asyncio.sleep(0.01)
    for each in slow:
        each.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_other_work_goes_on_while_an_export_compiles(pool: CompilePool) -> None:
    """Of a compiler in this process, the longest pause of the loop would be nearly the whole time."""
    large = orjson.dumps({"nodes": [NODE | {"name": f"A{i}"} for i in range(2000)], "connections": {}})
    clock = asyncio.get_running_loop().time
    begun = last = clock()
    longest = 0.0
    compiling = asyncio.create_task(pool.compile(TENANT, large, file="a.json"))
    while not compiling.done():
        await asyncio.sleep(0.001)
        longest, last = max(longest, clock() - last), clock()
    assert (await compiling).plan is not None
    assert longest < (clock() - begun) / 2


async def test_a_caller_who_goes_away_takes_the_child_along(tmp_path: Path) -> None:
    pool = CompilePool(sleeper(tmp_path), children=1)
    compiling = asyncio.create_task(pool.compile(TENANT, EXPORT, file="a.json"))
    pid = await pid_in(tmp_path)
    compiling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await compiling
    assert_gone(pid)
