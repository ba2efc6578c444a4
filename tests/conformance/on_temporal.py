"""Workflow cases on the embedded Temporal: the same grades, and every history that is recorded replays."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cli.testing.temporal import run_cases
from tests.conformance.suites import REPLAY, Graded, folder_of, grade_workflow, read
from tests.patience import PATIENCE
from tests.replay.gate import faults

__all__ = ["is_workflow_case", "run_on_temporal"]

LIMIT: Final = PATIENCE
"""Seconds that one case may take: a workflow task that fails is tried again for ever."""


def is_workflow_case(path: Path) -> bool:
    """Whether a file is one workflow case that any clock may run, and whose result does not show the execution's id: a run
    has the one that its host gives it.
    """
    case = read(path)
    if "$execution.id" in path.read_text("utf-8"):
        return False
    return isinstance(case, dict) and "workflow" in case and "expected" in case and "offline" not in case


def run_on_temporal(paths: Sequence[Path]) -> list[Graded]:
    """Grade each case; a history that does not replay is a failed case of its own."""
    return asyncio.run(graded_on_temporal(paths))


async def graded_on_temporal(paths: Sequence[Path]) -> list[Graded]:
    """See `run_on_temporal`."""
    cases: list[dict[str, Any]] = [read(path) for path in paths]
    with tempfile.TemporaryDirectory(prefix="tempor8-histories-") as folder:
        results = await run_cases(cases, histories=Path(folder), limit=LIMIT)
        told = [(each.stem.partition("-")[2], await faults(each)) for each in sorted(Path(folder).glob("*.json"))]
    graded = [
        replace(grade_workflow(path, case, each), folder=folder_of(path))
        for path, case, each in zip(paths, cases, results, strict=True)
    ]
    return graded + [Graded(f"{REPLAY}{name}", passed=False, why="; ".join(found)) for name, found in told if found]
