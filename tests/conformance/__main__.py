"""`python -m tests.conformance PATH... [--out DIR] [--format text|json]`: run recorded cases and grade them.

PATH is a folder or file in any of the recorded shapes: workflow cases (systematic or real), expression files, wire files,
trigger files, and the four files of `recorded/`. One record is one case. Without a PATH: all of them, and the recorded cases of
vendors' nodes and triggers, whose scores by use go to stderr.
"""

import argparse
import collections
import json
import os
import sys
from pathlib import Path
from typing import Any

from cli.support.inputs import plan_files
from cli.testing.processes import DiedError, in_processes
from tests.conformance.known import FOLDERS, HERE, known
from tests.conformance.recorded_wire import NEED, score_of
from tests.conformance.suites import REPLAY, Graded, folder_of, run_one
from tests.shared_folder import ABSENT, shared_path


def files(paths: list[Path]) -> list[Path]:
    """The case files under the given paths, sorted."""
    return sorted(each for path in paths for each in (path.rglob("*.json") if path.is_dir() else [path]))


def run(paths: list[Path], out: Path | None, workers: int, only: str | None = None) -> list[Graded]:
    """Every case of every file, in parallel processes."""
    todo = [path for path in files(paths) if only is None or only in path.name]
    called = plan_files(str(path) for path in todo)
    places = [None if out is None else out / f"{called[str(path)]}.json" for path in todo]
    done = in_processes(run_one, list(zip(todo, places, strict=True)), workers, lambda one: [_gone(one[0])])
    return [each for graded in done for each in graded]


def _gone(path: Path) -> Graded:
    return Graded(path.stem, passed=False, why=str(DiedError()), folder=folder_of(path))


def everything() -> list[Path]:
    """Return the folders of our own cases, and of those beside the repository where they are."""
    folders = [HERE / name for name in FOLDERS]
    beside = shared_path("conformance")
    if beside is None:
        print(f"only the cases of this repository are run: {ABSENT}", file=sys.stderr)
        return folders
    return [*folders, beside / "recorded", beside / "real", *sorted(beside.glob("wire/*.httpRequest*.json"))]


def summary(graded: list[Graded]) -> dict[str, Any]:
    """Return {"cases", "passed", "weighted", "by_type", "by_folder", "levels", "failed"}; `weighted` counts each case as often
    as real exports use it.
    """
    counted = [each for each in graded if each.counts]
    by_type: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for each in counted:
        for type_ in each.types:
            by_type[type_][0] += 1
            by_type[type_][1] += each.passed
    weight = sum(each.weight for each in counted)
    return {
        "cases": len(counted),
        "passed": sum(each.passed for each in counted),
        "weighted": sum(each.weight for each in counted if each.passed) / weight if weight else 0.0,
        "by_type": {type_: {"cases": n, "passed": k} for type_, (n, k) in sorted(by_type.items())},
        "by_folder": _by_folder(counted),
        "levels": dict(collections.Counter(level for each in counted for level in each.levels)),
        "failed": [{"case": each.name, "why": each.why} for each in counted if not each.passed],
    }


def _by_folder(counted: list[Graded]) -> dict[str, dict[str, int]]:
    """Return folder -> {"cases", "passed", "known"}; `known` counts the failed ones that `known.json` lists."""
    listed = known()
    scores: dict[str, dict[str, int]] = collections.defaultdict(lambda: {"cases": 0, "passed": 0, "known": 0})
    for each in counted:
        score = scores[each.folder]
        score["cases"] += 1
        score["passed"] += each.passed
        score["known"] += not each.passed and each.name in listed
    return dict(sorted(scores.items()))


def _vendors(workers: int) -> bool:
    """Print how vendors' nodes and triggers do beside n8n, and return whether enough is right."""
    enough = True
    for folder in NEED:
        table, passed = score_of(folder, workers)
        print(table, end="", file=sys.stderr)
        enough = enough and passed
    return enough


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: all passed or are known to differ, 1: some failed, 2: nothing to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, default=None, help="default: all that there are")
    parser.add_argument(
        "--host", choices=("local", "temporal"), default="local", help="workflow cases alone on Temporal"
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--only", help="only files with this in their name")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--show", type=int, default=40)
    options = parser.parse_args(argv)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    paths = options.paths or everything()
    if options.host == "temporal":
        from tests.conformance.on_temporal import is_workflow_case, run_on_temporal  # noqa: PLC0415 - starts servers

        result = summary(run_on_temporal([path for path in files(paths) if is_workflow_case(path)]))
    else:
        result = summary(run(paths, options.out, options.workers, options.only))
    if options.format == "json":
        print(json.dumps(result, indent=1, ensure_ascii=True))
    else:
        for failed in result["failed"][: options.show]:
            print("KNOWN" if failed["case"] in known() else "FAIL", failed["case"], failed["why"])
        for type_, counts in result["by_type"].items():
            print(f"{type_:50}{counts['cases']:6}{counts['passed']:6}{100 * counts['passed'] / counts['cases']:8.1f} %")
        print("levels that differ:", result["levels"])
        for folder, score in result["by_folder"].items():
            share = f"{100 * score['passed'] / score['cases']:.1f} %"
            print(
                f"{folder:20}{score['passed']:6} of {score['cases']:5} passed{share:>9}, {score['known']} known to differ"
            )
        print(f"{result['passed']} of {result['cases']} cases passed")
    if not result["cases"]:
        return 2
    if not options.paths and options.host == "local" and not _vendors(options.workers):
        return 1
    unknown = [each for each in result["failed"] if each["case"].removeprefix(REPLAY) not in known()]
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
