"""Case files for `tempor8 test`: run each, and say in words what differs."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.testing.case import run_case
from cli.testing.compare import COUNTED, levels, real_faults
from cli.testing.loop import services, wait_for


@dataclass(frozen=True)
class CaseResult:
    """How one case went. `broken`: the file is no case."""

    name: str
    passed: bool
    differences: tuple[str, ...] = ()
    broken: bool = False


def run_file(path: Path, out: Path | None = None, update: bool = False) -> CaseResult:
    """Run one case file on the local host."""
    try:
        case = _read(path)
    except ValueError as error:
        return CaseResult(str(path), passed=False, differences=(str(error),), broken=True)
    return _graded(path, case, wait_for(run_case(case, services())), out, update=update)


def run_on_temporal(paths: Sequence[Path], out: Path | None, *, update: bool = False) -> list[CaseResult]:
    """Run case files on the embedded Temporal."""
    from cli.testing.temporal import run_cases

    cases: dict[Path, Any] = {}
    results = []
    for path in paths:
        try:
            cases[path] = _read(path)
        except ValueError as error:
            results.append(CaseResult(str(path), passed=False, differences=(str(error),), broken=True))
    actual = asyncio.run(run_cases(list(cases.values())))
    return results + [
        _graded(path, cases[path], each, out, update=update) for path, each in zip(cases, actual, strict=True)
    ]


def _read(path: Path) -> dict[str, Any]:
    """The case. Raises ValueError that names the file and what is missing."""
    try:
        case = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    missing = [key for key in ("workflow", "expected") if not isinstance(case, dict) or key not in case]
    if missing:
        raise ValueError(f"{path} is no case: it has no {' and no '.join(repr(key) for key in missing)}")
    return case  # type: ignore[no-any-return]


def _graded(path: Path, case: dict[str, Any], actual: dict[str, Any], out: Path | None, *, update: bool) -> CaseResult:
    if out is not None:
        (out / path.name).write_text(json.dumps(actual, ensure_ascii=False, indent=1), encoding="utf-8")
    if update:
        path.write_text(json.dumps({**case, "expected": actual}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return CaseResult(case.get("name") or path.stem, passed=True)
    differences = real_faults(case, actual) if "offline" in case else _differences(case, actual)
    return CaseResult(case.get("name") or path.stem, not differences, tuple(differences))


def _differences(case: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    found = {level: pointer for level, pointer in levels(case, actual).items() if level in COUNTED}
    if case["expected"]["status"] == "not-started" and actual.get("error") is not None:
        return []
    result = {"expected": actual}
    return [
        f"{level}: at {pointer} expected {_short(_at(case, pointer))}, got {_short(_at(result, pointer))}"
        for level, pointer in found.items()
    ]


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(key)] if isinstance(document, list) else document[key]
        except (KeyError, IndexError, ValueError, TypeError):
            return "nothing"
    return document


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."
