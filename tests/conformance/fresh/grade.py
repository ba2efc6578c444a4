"""How fresh cases went: what decides, and apart from it pairings, sources and the words of errors."""

import collections
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cli.testing.case import run_case
from cli.testing.compare import DECISIVE_LEVELS, difference, levels
from cli.testing.loop import capabilities, wait_for
from cli.testing.processes import CASE_SECONDS, DiedError, TooLongError, in_processes, limited
from tests.conformance.fresh.web import WebCapabilities
from tests.conformance.wire import requests_difference

__all__ = ["Grade", "grade", "grades_on_temporal", "grades_on_the_local_host", "summary"]

Case = dict[str, Any]
TROUBLE: Final = "trouble"
"""Level of a case that did not end, or raised: a fault of ours whatever n8n did."""
OWN_WORDS: Final = ('Credential with ID "', "Python runner unavailable")
"""How errors begin that are about the n8n that was asked: what its database or its machine lacks."""
MESSAGES: Final = frozenset({"error.message", "error.node", "error.description", "run.error", "run.description"})


@dataclass(frozen=True)
class Grade:
    """One case, and level -> where it differs."""

    case: Case
    levels: Mapping[str, str]
    actual: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether nothing that decides differs."""
        return not self.levels.keys() & {*DECISIVE_LEVELS, TROUBLE, "requests", "binary"}


def grade(case: Case, actual: Mapping[str, Any]) -> Grade:
    """Return how a case went. A run that n8n does not start is passed by any error; an error without a node is one of the node
    that ran last.
    """
    expected = _steady(case["expected"])
    if expected["status"] == "not-started":
        return Grade(case, {} if actual.get("error") else {"status": "/expected/status"}, actual)
    if expected.get("error") and expected["error"].get("node") is None:
        expected["error"]["node"] = expected["lastNodeExecuted"]
    actual = _steady(actual)
    found = {**levels({**case, "expected": expected}, actual), **_words(expected, actual)}
    if any(message.startswith(OWN_WORDS) for message in _messages(expected)):
        found = {level: where for level, where in found.items() if level not in MESSAGES}
    place = difference(_files(expected), _files(actual))
    return Grade(case, found if place is None else {**found, "binary": place}, actual)


def _steady(value: Any) -> Any:
    """Return a result without the times and stacks of errors."""
    if isinstance(value, dict):
        return {key: 0 if key == "timestamp" else _steady(each) for key, each in value.items() if key != "stack"}
    return [_steady(each) for each in value] if isinstance(value, list) else value


def _messages(result: Mapping[str, Any]) -> list[str]:
    """Return the messages of a run's error and of those of its nodes."""
    errors = [result.get("error"), *(run.get("error") for runs in result["nodes"].values() for run in runs)]
    return [str(error.get("message")) for error in errors if error]


def _files(result: Mapping[str, Any]) -> Any:
    """Return the files of every run: what they hold, and their names and types. An archive holds the time of day."""
    return {
        name: [
            [
                [{key: _file(file) for key, file in (each or {}).items()} for each in items or []]
                for items in outputs or []
            ]
            for outputs in (run.get("binary") for run in runs)
        ]
        for name, runs in result["nodes"].items()
        if any(run.get("binary") for run in runs)
    }


def _file(file: Any) -> Any:
    if not isinstance(file, Mapping):  # code may give anything in a file's place
        return file
    archive = file.get("mimeType") in ("application/gzip", "application/x-tar", "application/zip")
    return {key: file.get(key) for key in ("mimeType", "fileName", "fileExtension") + (() if archive else ("data",))}


def _words(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, str]:
    """Return the levels of descriptions, and of the errors of single runs."""
    found: dict[str, str] = {}
    wanted, got = expected.get("error") or {}, actual.get("error") or {}
    if wanted and wanted.get("description") != got.get("description"):
        found["error.description"] = f"{wanted.get('description')!r}, here {got.get('description')!r}"
    for name, runs in expected["nodes"].items():
        for run, ours in zip(runs, (actual.get("nodes") or {}).get(name) or (), strict=False):
            there, here = run.get("error") or {}, ours.get("error") or {}
            if there.get("message") != here.get("message"):
                found.setdefault("run.error", f"{name}: {there.get('message')!r}, here {here.get('message')!r}")
            elif there.get("description") != here.get("description"):
                found.setdefault(
                    "run.description", f"{name}: {there.get('description')!r}, here {here.get('description')!r}"
                )
    return found


def _on_the_local_host(case: Case) -> Grade:
    try:
        with limited(CASE_SECONDS):
            return _http(case) if "requests" in case else grade(case, wait_for(run_case(case, capabilities())))
    except (Exception, TooLongError) as error:  # one that raises must not take the others down
        return Grade(case, {TROUBLE: f"{type(error).__name__}: {error}"}, {})


def _http(case: Case) -> Grade:
    """Run a case of HTTP Request against the same answers, and compare the requests too, in any order."""
    web = WebCapabilities(case)
    graded = grade(case, wait_for(run_case({key: each for key, each in case.items() if key != "credentials"}, web)))
    differs = requests_difference(sorted(web.requests, key=_text), sorted(case["requests"], key=_text))
    return replace(graded, levels={**graded.levels, "requests": differs}) if differs else graded


def _text(request: Mapping[str, Any]) -> str:
    return json.dumps(
        [request["method"], request["url"], request.get("query"), request["headers"], request.get("body")],
        sort_keys=True,
    )


def _died(case: Case) -> Grade:
    return Grade(case, {TROUBLE: str(DiedError())}, {})


def grades_on_the_local_host(cases: Sequence[Case], workers: int) -> list[Grade]:
    """Run cases in process."""
    return in_processes(_on_the_local_host, cases, workers, _died)


def grades_on_temporal(cases: Sequence[Case]) -> list[Grade]:
    """Run cases on the embedded Temporal."""
    import asyncio  # noqa: PLC0415 - starts servers

    from cli.testing.temporal import run_cases  # noqa: PLC0415 - starts servers

    results = asyncio.run(run_cases(cases))
    return [grade(case, result) for case, result in zip(cases, results, strict=True)]


def summary(grades: Sequence[Grade]) -> str:
    """Return the figures: how many pass, and of those how many differ on each other level."""
    passed = [each for each in grades if each.passed]
    paired = [each for each in grades if each.passed and "pairedItem" not in each.levels]
    failing = [each for each in grades if _fails(each.case)]
    worded = [each for each in failing if each.passed and not each.levels.keys() & MESSAGES]
    counts = collections.Counter(level for each in grades for level in each.levels)
    return "\n".join((
        _share("passed", len(passed), len(grades)), _share("pairings of those equal", len(paired), len(passed)),
        _share("errors with the same words", len(worded), len(failing)), f"levels that differ: {dict(counts)}",
    ))  # fmt: skip


def _fails(case: Case) -> bool:
    """Whether n8n's run has an error anywhere."""
    expected = case["expected"]
    return bool(expected.get("error")) or any(run.get("error") for runs in expected["nodes"].values() for run in runs)


def _share(what: str, part: int, whole: int) -> str:
    hundredths = 10_000 * part // whole if whole else 0  # never rounded up
    return f"{what}: {part} of {whole}, {hundredths / 100:.2f} %"
