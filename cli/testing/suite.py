"""Case files for `tempor8 test`: run each, and describe what differs."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.support.inputs import plan_files
from cli.support.json_text import json_text
from cli.testing.case import ignores_input, run_case
from cli.testing.compare import DECISIVE_LEVELS, levels, real_faults
from cli.testing.diff import describe_differences
from cli.testing.expectation import Expectation, expectation
from cli.testing.loop import capabilities, wait_for
from cli.testing.processes import CASE_SECONDS, DiedError, TooLongError, in_processes, limited

INPUT_IGNORED: Final = (
    "its 'input' is ignored: in mode \"manual\" a Manual Trigger gives one empty item. "
    'Write "mode": "trigger" to give it the input, or leave the input out'
)
PARALLEL_FROM_CASES: Final = 4
"""Fewer cases run in this process: starting others takes longer."""


@dataclass(frozen=True)
class CaseResult:
    """The result of one case. `broken`: the file is no case. `expectation`: what an update wrote or refused to write."""

    name: str
    passed: bool
    differences: tuple[str, ...] = ()
    broken: bool = False
    warnings: tuple[str, ...] = ()
    expectation: Expectation | None = None


@dataclass(frozen=True)
class CaseFile:
    """One file and what to do with it. `update` writes the expectation of a case that has none, `accept` also replaces one."""

    path: Path
    out: Path | None
    update: bool = False
    accept: bool = False
    seconds: float = CASE_SECONDS


def case_files(
    names: Sequence[str], out: Path | None, *, update: bool, accept: bool = False, seconds: float = CASE_SECONDS
) -> list[CaseFile]:
    """Return each file with the place of its result: under its own name in `out`, or more of its path where names repeat."""
    file_names = plan_files(names)
    places = [None if out is None else out / f"{file_names[name]}.json" for name in names]
    return [CaseFile(Path(name), place, update, accept, seconds) for name, place in zip(names, places, strict=True)]


def run_locally(files: Sequence[CaseFile], on_result: Callable[[], None] = lambda: None) -> list[CaseResult]:
    """Run case files on the local host, many of them in parallel processes; `on_result` is called after each."""
    if len(files) < PARALLEL_FROM_CASES:
        results = []
        for each in files:
            results.append(run_file(each))
            on_result()
        return results
    return in_processes(run_file, files, os.cpu_count() or 2, lambda file: _failed(file, str(DiedError())), on_result)


def run_file(file: CaseFile) -> CaseResult:
    """Run one case file on the local host. Any error in it is its result."""
    try:
        case = read_case(file)
    except ValueError as error:
        return _broken(file, error)
    try:
        with limited(file.seconds):
            return grade(file, case, wait_for(run_case(case, capabilities())))
    except TooLongError as error:
        return _failed(file, str(error))
    except Exception as error:  # noqa: BLE001  # a case can hold anything, and the others are to run
        return _failed(file, f"it cannot be run: {type(error).__name__}: {error}")


def run_on_temporal(files: Sequence[CaseFile]) -> list[CaseResult]:
    """Run case files on the embedded Temporal."""
    from cli.testing.temporal import run_cases

    cases: list[tuple[CaseFile, dict[str, Any]]] = []
    results = []
    for file in files:
        try:
            cases.append((file, read_case(file)))
        except ValueError as error:
            results.append(_broken(file, error))
    limit = min((file.seconds for file in files), default=CASE_SECONDS)
    actual = asyncio.run(run_cases([case for _, case in cases], limit=limit))
    return results + [grade(file, case, each) for (file, case), each in zip(cases, actual, strict=True)]


def read_case(file: CaseFile) -> dict[str, Any]:
    """Return the case of a file. Raises ValueError, which names the file and what is missing."""
    try:
        document = json.loads(file.path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file.path}: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{file.path} is no case: it is not a JSON object")  # reported like the other faults
    case: dict[str, Any] = document
    missing = [key for key in ("workflow", *(() if file.update else ("expected",))) if key not in case]
    if missing:
        hint = "; --update writes what happens" if missing == ["expected"] else ""
        raise ValueError(f"{file.path} is no case: it has no {' and no '.join(repr(key) for key in missing)}{hint}")
    if isinstance(case["workflow"], str):
        case = with_export(case, file.path)
    faults = [
        *([] if isinstance(case["workflow"], dict) else ["'workflow' is not an export, nor the path of one"]),
        *([] if file.update else _faults(case["expected"])),
    ]
    if faults:
        raise ValueError(f"{file.path} is no case: {'; '.join(faults)}")
    if file.update and ignores_input(case):
        raise ValueError(f"{file.path}: nothing is written, for {INPUT_IGNORED}")
    return case


def _faults(expected: Any) -> list[str]:
    if not isinstance(expected, dict):
        return ["'expected' is not an object"]
    needed: Mapping[str, type] = {"status": str, "nodes": dict} | ({"order": list} if "order" in expected else {})
    if expected.get("status") == "not-started":
        needed = {"status": str}
    return [f"'expected' has no {key!r}" for key, kind in needed.items() if not isinstance(expected.get(key), kind)]


def with_export(case: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a case that names its workflow's file with the export in its place, and with the case's `pinData` over that of
    the export: null takes the data of a node away. Raises ValueError, which names the file.
    """
    place = path.parent / case["workflow"]
    try:
        export = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: its workflow {case['workflow']} cannot be read: {error}") from None
    pins = {**(export.get("pinData") or {}), **(case.get("pinData") or {})} if isinstance(export, dict) else {}
    kept = {name: items for name, items in pins.items() if items is not None}
    return {**case, "workflow": {**export, "pinData": kept} if isinstance(export, dict) else export}


def grade(file: CaseFile, case: dict[str, Any], actual: dict[str, Any]) -> CaseResult:
    """Compare what happened with the case, and write the files that the options ask for."""
    name = str(case.get("name") or file.path.stem)
    warnings = (f"{file.path}: {INPUT_IGNORED}.",) if ignores_input(case) else ()
    if file.out is not None:
        _write(file.out, actual)
    if "expected" not in case:
        _expect(file.path, actual)
        return CaseResult(name, passed=True, expectation=expectation(actual))
    try:
        differences = tuple(_differences(case, actual))
    except Exception as error:  # noqa: BLE001  # 'expected' can hold anything, and the others are to be compared
        return _failed(file, f"its 'expected' cannot be compared: {type(error).__name__}: {error}")
    if file.accept and case["expected"] != actual:
        _expect(file.path, actual)
        return CaseResult(name, passed=True, expectation=Expectation("changed", differences or (OTHER_PARTS_DIFFER,)))
    if file.update and differences:
        return CaseResult(name, passed=False, expectation=Expectation("refused", differences))
    return CaseResult(name, not differences, differences, warnings=warnings)


OTHER_PARTS_DIFFER: Final = "status, order, outputs and response are the same; other parts differ"


def _differences(case: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    if faults := _faults(case["expected"]):
        return faults
    if "offline" in case:
        return real_faults(case, actual)
    if case["expected"]["status"] == "not-started":
        return [] if actual.get("error") is not None else ["n8n refuses to start this; here it ran"]
    return describe_differences(case, actual) if DECISIVE_LEVELS & levels(case, actual).keys() else []


def _broken(file: CaseFile, error: ValueError) -> CaseResult:
    return CaseResult(str(file.path), passed=False, differences=(str(error),), broken=True)


def _failed(file: CaseFile, why: str) -> CaseResult:
    return CaseResult(str(file.path), passed=False, differences=(why,))


def _expect(path: Path, actual: Mapping[str, Any]) -> None:
    """Write into a case's file what it expects, and leave the rest as it is."""
    _write(path, {**json.loads(path.read_text(encoding="utf-8")), "expected": actual})


def _write(path: Path, document: Any) -> None:
    """Write a file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json_text(document, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
