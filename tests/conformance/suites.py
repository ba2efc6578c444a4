"""The recorded shapes: how a file of each is run, graded, and its results written."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cli.testing.case import run_case
from cli.testing.compare import DECISIVE_LEVELS, difference, levels, real_faults
from cli.testing.loop import capabilities, wait_for
from cli.testing.processes import CASE_SECONDS, TooLongError, limited
from tests.conformance.doubles import VersionTest, with_nodes

MANY: Final = 600.0
"""Seconds for a file with many cases."""

REPLAY: Final = "replay of "
"""Before the name of a case whose history does not replay."""


@dataclass(frozen=True)
class Graded:
    """One case and how it went."""

    name: str
    passed: bool
    why: str = ""
    types: tuple[str, ...] = ()
    weight: float = 1.0
    counts: bool = True
    levels: tuple[str, ...] = field(default=())
    folder: str = ""


def read(path: Path) -> Any:
    """The JSON of a case file. Raises ValueError with the file's name."""
    try:
        return json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write(out: Path | None, result: Any) -> None:
    """Leave a result in a file."""
    if out is not None:
        out.write_text(json.dumps(result, ensure_ascii=True), encoding="utf-8")


def folder_of(path: Path) -> str:
    """Return the folder of a case below `conformance/` (`systematic`, `kinds/wire`): scores are given by folder."""
    parts = path.parent.parts
    place = max((i + 1 for i, part in enumerate(parts) if part == "conformance"), default=len(parts) - 1)
    return "/".join(parts[place:])


def run_file(path: Path, out: Path | None = None) -> list[Graded]:
    """Run every case of a file, and write what happened to `out`.

    A malformed file, or one that takes too long, is one failed case that names it; the others still run.
    """
    try:
        document = read(path)
        with limited(CASE_SECONDS if isinstance(document, dict) and "expected" in document else MANY):
            graded = _suite(path, document, out)
    except (Exception, TooLongError) as error:  # a broken case must not take the others down
        graded = [Graded(path.stem, passed=False, why=f"{type(error).__name__}: {error}")]
    return [replace(each, folder=folder_of(path)) for each in graded]


def run_one(one: tuple[Path, Path | None]) -> list[Graded]:
    """`run_file` for a process of its own, which takes one argument."""
    return run_file(*one)


def _suite(path: Path, document: Any, out: Path | None) -> list[Graded]:
    if isinstance(document, dict) and "workflow" in document and "expected" in document:
        return [_workflow(path, document, out)]
    if isinstance(document, dict) and "workflow" in document and "cases" in document:
        return _expressions(path, out)
    if path.name == "expressions.json":
        return _recorded_expressions(path, out)
    if path.name == "filters.json":
        return _calls(path, out, "run_filters")
    if path.name == "type_validation.json":
        return _calls(path, out, "run_type_validation")
    if path.name == "engine_order_tests.json":
        return _order(path, document, out)
    if isinstance(document, list) and document and "steps" in document[0]:
        return _triggers(path, out)
    if isinstance(document, list) and document and "requests" in document[0]:
        return _wire(path, out)
    raise ValueError(f"{path} has none of the shapes of recorded cases")


RECORDED: Final = "2026-11-22T18:00:00+00:00"
"""When the cases of real exports were recorded; the nodes that read the clock gave that day. A case may say `now`."""


def _workflow(path: Path, case: dict[str, Any], out: Path | None) -> Graded:
    if "offline" in case:
        case = {"now": RECORDED, **case}
    actual = wait_for(run_case(case, capabilities()))
    write(out, actual)
    return grade_workflow(path, case, actual)


def grade_workflow(path: Path, case: dict[str, Any], actual: dict[str, Any]) -> Graded:
    """How a workflow case went, on whichever host."""
    if "offline" in case:
        faults = real_faults(case, actual)
        kinds = {node["name"]: node["type"] for node in case["workflow"]["nodes"] if "name" in node}
        types = tuple(
            sorted({kinds[name] for name in case["offline"] if name in kinds and name in case["expected"]["nodes"]})
        )
        return Graded(path.stem, not faults, "; ".join(faults[:3]), types)
    found = levels(case, actual)
    types = tuple(sorted({node["type"] for node in case["workflow"]["nodes"]}))
    passed = not any(level in found for level in DECISIVE_LEVELS)
    why = "; ".join(f"{level} {pointer}" for level, pointer in found.items())
    if case["expected"]["status"] == "not-started":
        passed = actual.get("error") is not None
    counts = "rawStatus" not in case["expected"]
    error = (actual.get("error") or {}).get("message")
    return Graded(path.stem, passed, f"{why} ({error})" if error else why, types, 1.0, counts, tuple(found))


def _expressions(path: Path, out: Path | None) -> list[Graded]:
    from tests.conformance.expressions_score import grade_expression, run_expression_file  # noqa: PLC0415 - only for these

    result = run_expression_file(path)
    write(out, result)
    return [
        Graded(f"{path.stem}: {case['expression'][:80]}", *grade_expression(case), types=("expression",))
        for case in result["cases"]
        if not case.get("volatile")
    ]


def _recorded_expressions(path: Path, out: Path | None) -> list[Graded]:
    from tests.conformance.expressions_score import grade_recorded, run_recorded_expressions  # noqa: PLC0415 - only for these

    result = run_recorded_expressions(path)
    write(out, result)
    return [
        Graded(f"{path.stem} {case['id']}: {case['expression'][:80]}", *grade_recorded(case), types=("expression",))
        for case in result["cases"]
        if case["deterministic"] and case["same_in_2_41"]
    ]


def _calls(path: Path, out: Path | None, runner: str) -> list[Graded]:
    from tests.conformance import values  # noqa: PLC0415 - only for these

    results = list(getattr(values, runner)(path))
    write(out, [{"name": each.name, "passed": each.passed, **each.actual} for each in results])
    return [
        Graded(f"{path.stem} {each.name}", each.passed, "" if each.passed else str(each.actual), (path.stem,))
        for each in results
    ]


def _wire(path: Path, out: Path | None) -> list[Graded]:
    from tests.conformance.wire import grade_wire, run_wire_file  # noqa: PLC0415 - only for these

    result = run_wire_file(path)
    write(out, result)
    graded = []
    for i, case in enumerate(result):
        passed, why = grade_wire(case)
        counts = not (
            case.get("nondeterministic")
            or case.get("outputUnserialisable")
            or (case.get("error") or {}).get("message") == "wire: case timeout"
        )
        graded.append(
            Graded(
                f"{path.stem} {i} {case.get('label', '')}", passed, why, (path.stem,), case.get("count") or 1, counts
            )
        )
    return graded


def _triggers(path: Path, out: Path | None) -> list[Graded]:
    from tests.conformance.wire_triggers import grade_trigger, run_trigger_file  # noqa: PLC0415 - only for these

    result = run_trigger_file(path)
    write(out, result)
    return [
        Graded(f"{path.stem} {case['id']}", *grade_trigger(case), types=(path.stem,), weight=case.get("count") or 1)
        for case in result
    ]


def _recorded(test: dict[str, Any], outputs: list[Any] | None) -> Any:
    """The outputs of a run as this file has them: the items of the first one for v0, a list of outputs for v1."""
    if outputs is None:
        return None
    first = (outputs or [None])[0]
    if test["order"] == "v0":
        return first
    return outputs if test["output"].get("testAllOutputs") else [first]


def _order(path: Path, tests: list[dict[str, Any]], out: Path | None) -> list[Graded]:
    graded, results = [], []
    for i, test in enumerate(tests):
        export = dict(test["input"]["workflowData"])
        export["settings"] = {**export.get("settings", {}), "executionOrder": test["order"]}
        case = {"workflow": export, "mode": "trigger", "input": [{}]}
        actual = wait_for(run_case(case, capabilities(), with_nodes(VersionTest)))
        results.append({**test, "actual": actual})
        wanted = test["output"]["nodeExecutionOrder"]
        order = [name for name, _ in actual["order"]]
        why = "" if order == wanted else f"order {order}, expected {wanted}"
        for name, runs in test["output"]["nodeData"].items():
            got = [_recorded(test, run["outputs"]) for run in actual["nodes"].get(name, [])]
            pointer = difference(runs, got)
            why = why or (f"{name} differs at {pointer}" if pointer else "")
        graded.append(Graded(f"{path.stem} {i} {test['order']}", not why, why, ("engine order",)))
    write(out, results)
    return graded
