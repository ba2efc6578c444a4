"""A corpus of programs that attack the sandboxes of Code nodes: what comes of each, and that it leaves nothing behind."""

import asyncio
import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import yaml

from runtime.contract import NodeError
from runtime.sandbox import CodeLimits
from runtime.sandbox.pool import pool_for
from runtime.sandbox.runner import CodeRunner
from tests.patience import PATIENCE
from tests.unit.sandbox.world import INPUT, snapshot

T = TypeVar("T")
FOLDER: Final = Path(__file__).with_name("code_attacks")
SHORT: Final = CodeLimits(seconds=1.5, memory_mb=128, output_mb=2)
"""For programs that a limit stops."""
LONG: Final = CodeLimits(seconds=30, memory_mb=128, output_mb=2)
"""For programs that end by themselves, on a machine that is busy."""
PROBE: Final = """
return { left: typeof left, leak: typeof ({}).leak, symbol: Symbol.for('left') in globalThis, match: RegExp.$1,
  map: [1].map((n) => n + 1), text: JSON.stringify({ a: [1] }), parsed: JSON.parse('[1]'), json: typeof ({}).json,
  zone: DateTime.fromISO('2024-01-01', { zone: 'utc' }).offset, locale: DateTime.fromMillis(0).locale,
  frozen: Object.isFrozen(Array.prototype), open: Object.isExtensible(globalThis),
  late: await new Promise((done) => setTimeout(() => done(typeof left), 60)) }
"""
UNTOUCHED: Final = {
    "left": "undefined", "leak": "undefined", "symbol": False, "match": "", "map": [2], "text": '{"a":[1]}', "parsed": [1],
    "json": "undefined", "zone": 0, "locale": "en-US", "frozen": False, "open": True, "late": "undefined",
}  # fmt: skip

FRESH: Final = Counter({"pipe": 2, "file": 2, "anon_inode": 1, "socket": 2})
"""What a child has open that has run nothing: its pipes, its own status and the null device, and V8's event loop."""


def programs(language: str) -> list[Any]:
    """The corpus of a language as parameters."""
    rows = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return [pytest.param(row, id=f"{row['kind']}: {row['name']}") for row in rows]


async def outcome_of(language: str, code: str, limits: CodeLimits) -> dict[str, Any]:
    """Run a program over the same input as its siblings."""
    task = {"snapshot": snapshot(), "meta": {"tenant": "attacker"}}
    result = await CodeRunner(limits).run(task, language, code, "all", items=INPUT)
    outcome: dict[str, Any] = result["value"]["outcomes"][0]
    return outcome


async def outcome_in_time(language: str, code: str, limits: CodeLimits) -> dict[str, Any]:
    """Run a program that ends by itself, again where a busy machine made it reach the short limit."""
    until = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(NodeError) if time.monotonic() < until else contextlib.nullcontext():
            return await outcome_of(language, code, limits)


async def check(language: str, row: dict[str, Any]) -> None:
    """Run a program and compare what comes of it with what must."""
    comes, limits = row["comes"], SHORT if row["kind"] == "limits" else LONG
    outcome: dict[str, Any] = {"error": {"message": "a limit"}}
    reached = comes == "stopped"
    with contextlib.suppress(NodeError) if reached else contextlib.nullcontext():
        outcome = await outcome_of(language, row["code"], limits)
    if reached:  # which limit comes first is the machine's; those of the language are errors of the author
        assert "error" in outcome, outcome
        return
    assert comes == ("harmless" if "data" in outcome else "error"), outcome
    if comes == "harmless":
        assert outcome["data"] == row["gives"]
    assert row.get("says", "") in str(outcome.get("error", {}).get("message", "")), outcome


def processes() -> dict[int, int]:
    """Every process of the machine -> its parent."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue  # it ended meanwhile
    return found


def descendants(process: int) -> list[int]:
    """The processes that descend from one."""
    parents = processes()
    found: list[int] = []
    front = [process]
    while front:
        front = [each for each, parent in parents.items() if parent in front]
        found += front
    return found


def descriptors(process: int) -> Counter[str]:
    """What a process has open, by kind."""
    kinds: Counter[str] = Counter()
    for each in Path(f"/proc/{process}/fd").iterdir():
        try:
            kind, found, _ = os.readlink(each).partition(":")  # noqa: PTH115 - the text, not a path
            kinds[kind if found else "file"] += 1
        except OSError:
            continue
    return kinds


def strange_interpreters() -> list[tuple[int, list[int], Counter[str]]]:
    """The interpreters of Python that have started a process, or have open what is no pipe and not the null device."""
    found = []
    for process in descendants(os.getpid()):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if Path(f"/proc/{process}/comm").read_text() != "monty\n":
                continue
            children, kinds = descendants(process), descriptors(process)
            if children or not kinds.keys() <= {"pipe", "file"} or kinds["file"] > 1:
                found.append((process, children, kinds))
    return found


async def comes(look: Callable[[], T], expected: object) -> T:
    """Look until what is expected is there, for as long as a process may take to start on a busy machine; return the last look."""
    until = time.monotonic() + PATIENCE
    while (seen := look()) != expected and time.monotonic() < until:
        await asyncio.sleep(0.05)
    return seen


@pytest.mark.parametrize("row", programs("javascript"))
async def test_javascript(row: dict[str, Any]) -> None:
    """Each program, then a probe of the same tenant, who may use the same context again."""
    await check("javascript", row)
    limits = SHORT if row["kind"] == "limits" else LONG
    assert await outcome_in_time("javascript", PROBE, limits) == {"data": UNTOUCHED}
    assert pool_for(limits)._busy == 0
    for _, child in pool_for(limits)._idle:
        inner = child._process.inner_pid
        if sys.platform != "linux":
            continue  # nothing tells what a process has open
        # one process, which has started none; a spare one may still be starting itself
        assert await comes(lambda: descendants(child._process.pid), [inner]) == [inner]  # noqa: B023 - called here
        assert await comes(lambda: descriptors(inner), FRESH) == FRESH  # noqa: B023


@pytest.mark.parametrize("row", programs("python"))
async def test_python(row: dict[str, Any]) -> None:
    """Each program, then one that finds nothing of it."""
    await check("python", row)
    probe = "import json\ntry:\n  return left\nexcept NameError:\n  return json.dumps([1])"
    assert await outcome_of("python", probe, LONG) == {"data": "[1]"}
    if sys.platform == "linux":
        assert await comes(strange_interpreters, []) == []


async def test_the_service_is_left_with_what_it_had() -> None:
    """No descriptor and no process stays when the children are ended, however each of them ended."""
    runner = CodeRunner(CodeLimits(seconds=1, memory_mb=64, output_mb=1))
    before, processes_before = sum(descriptors(os.getpid()).values()), len(descendants(os.getpid()))
    for code in ("return 1", "for (;;);", "const a = []; for (;;) a.push(new Array(1e6).fill(1))", "return 2"):
        with contextlib.suppress(NodeError):
            await runner.javascript(code, mode="all", snapshot=snapshot(), owner="attacker")
    await runner.close()
    assert await comes(lambda: len(descendants(os.getpid())), processes_before) == processes_before
    assert sum(descriptors(os.getpid()).values()) <= before + 2, "the event loop's own"
