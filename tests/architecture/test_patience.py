"""No test gives up because the machine is slow: limits of waiting come from one place, tests/patience.py."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
MARK = "# brief: "
"""What a line says that has a limit of its own, and why: the time-out is what the test is about."""
WAITS = {"wait_for": 1, "timeout": 0, "timeout_at": 0, "eventually": 1, "until": 1}
"""Functions that wait, and which of their arguments is the limit."""
ENDLESS = 10_000
"""Times that are no limit: pytest's own time-out comes first."""
PATIENT_ENOUGH = 60.0
"""Seconds that are as good as PATIENCE for a process or a request of a test."""


def short_limits(source: str) -> Iterator[int]:
    """Yield the lines with a limit in figures that no line marks as brief."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.For | ast.AsyncFor):
            if _is_counted(node) and MARK not in lines[node.lineno - 1]:
                yield node.lineno
        elif isinstance(node, ast.Call | ast.BinOp):
            marked = any(MARK in line for line in lines[node.lineno - 1 : node.end_lineno])
            if not marked and any(_is_short(limit) for limit in _limits(node)):
                yield node.lineno


def _is_counted(loop: ast.For | ast.AsyncFor) -> bool:
    """Whether a loop sleeps so many times and then gives up. Less than twenty are no wait but the rhythm of a test."""
    if not (isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "range" and len(loop.iter.args) == 1):
        return False
    times = loop.iter.args[0]
    sleeps = any(isinstance(each, ast.Call) and ast.unparse(each.func).endswith(".sleep") for each in ast.walk(loop))
    return sleeps and isinstance(times, ast.Constant) and isinstance(times.value, int) and 20 < times.value < ENDLESS


def _limits(node: ast.Call | ast.BinOp) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add) and ast.unparse(node.left) in ("time.monotonic()", "clock()", "loop.time()"):
            yield node.right
        return
    name = ast.unparse(node.func).rpartition(".")[2]
    if name in WAITS and len(node.args) > WAITS[name]:
        yield node.args[WAITS[name]]
    if name != "timeout":
        yield from (each.value for each in node.keywords if each.arg == "timeout")


def _is_short(limit: ast.expr) -> bool:
    return isinstance(limit, ast.Constant) and isinstance(limit.value, int | float) and limit.value < PATIENT_ENOUGH


def test_limits_of_waiting_come_from_one_place() -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if "exports" not in path.parts]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(files)
        for line in short_limits(path.read_text(encoding="utf-8"))
    ]
    assert found == [], f"wait for PATIENCE (tests/patience.py), or say why not with '{MARK}'"


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("await asyncio.wait_for(task, 5)", True),
        ("await asyncio.wait_for(task, PATIENCE)", False),
        ("await asyncio.wait_for(task, 0.1)  # brief: it never ends", False),
        ("async with asyncio.timeout(10): pass", True),
        ("await eventually(look, 20)", True),
        ("await eventually(look)", False),
        ("deadline = time.monotonic() + 5", True),
        ("subprocess.run(command, timeout=10)", True),
        ("subprocess.run(command, timeout=90)", False),
        ("asyncio.wait([task], timeout=2.0)", True),
        ("for _ in range(200): time.sleep(0.1)", True),
        ("for _ in attempts(0.1): time.sleep(0.1)", False),
        ("for _ in range(3): time.sleep(0.1)", False),
    ],
)
def test_the_check_finds_short_limits(line: str, short: bool) -> None:
    assert bool(list(short_limits(f"async def test():\n    {line}"))) is short


def test_pytest_is_more_patient_than_a_test(pytestconfig: pytest.Config) -> None:
    assert float(pytestconfig.getini("timeout")) > PATIENCE
