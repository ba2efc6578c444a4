"""`python -m tests.conformance.fresh ask KIND --seed N --count N FILE`: draw fresh cases, ask n8n (`ORACLE_DIR`), and keep them.

`python -m tests.conformance.fresh grade KIND FILE [--host temporal] [--out FILE]`: run those of a file and print how they went. KIND
is agents, edges, expressions, topics, mutants, parameters, flows, http, real, settings or vendors (`--types slack,notion`); a file has one case
per line (expressions: one expression file). The answers of n8n are written as they come, so that a file can be graded before it
is complete. A request of `http` whose body never comes is left out. Credentials of `agents`, `http` and `vendors` must be in n8n's own database:
`credentials KIND FILE` writes them for `n8n import:credentials --input=FILE`, with the `ORACLE_HOME` of `ask` as `N8N_USER_FOLDER`.
"""

import argparse
import json
import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from tests.conformance.expressions_score import grade_expression, run_expression_file
from tests.conformance.fresh import (
    agents,
    edges,
    expressions,
    flows,
    http,
    mutants,
    parameters,
    real,
    settings,
    topics,
    vendor_calls,
    vendors,
)
from tests.conformance.fresh.agent_cases import ask_agents, grades_of_agents
from tests.conformance.fresh.asking import answers
from tests.conformance.fresh.grade import Grade, grades_on_temporal, grades_on_the_local_host, summary
from tests.conformance.fresh.vendor_cases import ask_vendors, grade_vendors
from tests.conformance.fresh.web import serve
from tests.conformance.record_expressions import record, written

_UNDER_WAY: Final = 1.0
"""Seconds after which the requests of a run that failed have arrived: n8n does not wait for those under way."""
EXPRESSIONS = {"expressions": expressions.draw_document, "topics": topics.draw_document}
DRAWERS = {
    "edges": edges.draw_cases, "mutants": mutants.draw_cases, "flows": flows.draw_cases, "http": http.draw_cases,
    "parameters": parameters.draw_cases, "real": real.draw_cases, "settings": settings.draw_cases,
}  # fmt: skip


def ask(kind: str, seed: int, count: int, path: Path, types: list[str]) -> None:
    """Write fresh cases with what n8n does; `types`: of the kind `vendors`."""
    if kind == "vendors":
        with path.open("w", encoding="utf-8") as file:
            for case in ask_vendors(vendors.draw_calls(types, seed, count)):
                file.write(json.dumps(case) + "\n")
                file.flush()
        return
    if kind == "agents":
        with path.open("w", encoding="utf-8") as file:
            for case in ask_agents(agents.draw_cases(seed, count)):
                file.write(json.dumps(case) + "\n")
                file.flush()
        return
    if kind in EXPRESSIONS:
        path.write_text(written(EXPRESSIONS[kind](seed, count)), encoding="utf-8")
        print(record(path))
        return
    cases = DRAWERS[kind](seed, count)
    web: AbstractContextManager[list[dict[str, Any]]] = serve() if kind == "http" else nullcontext([])
    with path.open("w", encoding="utf-8") as file, web as requests:
        for i, expected in answers(cases):
            if kind == "http" and expected.get("error"):
                time.sleep(_UNDER_WAY)
            sent = {"requests": [each for each in requests if f"/c{i}/" in each["url"]]} if kind == "http" else {}
            if any("incomplete" in each for each in sent.get("requests", ())):
                continue
            file.write(json.dumps({**cases[i], "expected": expected, **sent}) + "\n")
            file.flush()


def read(path: Path) -> list[dict[str, Any]]:
    """Return the cases of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def grade(path: Path, kind: str, host: str, workers: int) -> list[Grade]:
    """Return how the workflow cases of a file went."""
    cases = read(path)
    if kind == "agents":
        return grades_of_agents(cases, workers)
    return grades_on_temporal(cases) if host == "temporal" else grades_on_the_local_host(cases, workers)


def grade_expressions(path: Path) -> None:
    """Print how the expressions of a file went, and those that differ."""
    records = run_expression_file(path)["cases"]
    missed = [(each, why) for each in records for passed, why in [grade_expression(each)] if not passed]
    failing = [each for each in records if each.get("error") and each["actual_error"]]
    worded = [each for each in failing if each["error"]["message"] == each["actual_error"]["message"]]
    for each, why in missed:
        print("MISSED", repr(each["expression"]), why)
    for each in failing:
        if each not in worded:
            print(
                "WORDS", repr(each["expression"]), each["actual_error"]["message"], "; n8n:", each["error"]["message"]
            )
    print(f"passed: {len(records) - len(missed)} of {len(records)}; messages equal: {len(worded)} of {len(failing)}")


def main() -> int:
    """Return 0, or 1 where a case differs in what decides."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.fresh", description=__doc__)
    parser.add_argument("verb", choices=("ask", "grade", "credentials"))
    parser.add_argument("kind", choices=("agents", *EXPRESSIONS, "vendors", *DRAWERS), nargs="?", default="http")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument(
        "--host",
        choices=("local", "temporal"),
        default="local",
        help="agents, http and vendors run on the local one alone",
    )
    parser.add_argument("--types", default=",".join(vendors.TYPES), help="node types of vendors, `slack` or in full")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--out", type=Path, help="where the cases that differ go, with what happened here")
    options = parser.parse_intermixed_args()  # the file may stand behind the options
    if options.verb == "credentials":
        types = options.types.split(",")
        credentials = agents.import_file() if options.kind == "agents" else http.import_file()
        if options.kind == "vendors":
            credentials = vendor_calls.import_file(types)
        options.file.write_text(json.dumps(credentials), encoding="utf-8")
        return 0
    if options.verb == "ask":
        ask(options.kind, options.seed, options.count, options.file, options.types.split(","))
        return 0
    if options.kind in EXPRESSIONS:
        grade_expressions(options.file)
        return 0
    if options.kind == "vendors":
        print(grade_vendors(read(options.file), options.workers, options.out), end="")
        return 0
    grades = grade(options.file, options.kind, options.host, options.workers)
    differing = [each for each in grades if each.levels]
    for each in differing:
        print("differs" if each.passed else "MISSED", each.case["name"], json.dumps(each.levels))
    if options.out:
        lines = (json.dumps({"levels": each.levels, "case": each.case, "actual": each.actual}) for each in differing)
        options.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(summary(grades))
    return 0 if all(each.passed for each in grades) else 1


if __name__ == "__main__":
    sys.exit(main())
