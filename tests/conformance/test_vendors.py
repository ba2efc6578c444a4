"""Vendors' nodes against answers of our own: what they send, what they give, and what their errors say.

One file per node type in `vendors/`, in the format of the wire cases. What real n8n sent is beside the repository (`wire/`).
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runtime.integrations.index import types
from tests.conformance.queries import with_plain_queries
from tests.conformance.wire import grade_wire, run_wire_file
from tests.conformance.wire_triggers import grade_trigger, run_trigger_file
from tests.shared_folder import shared_path

FILES = sorted((Path(__file__).parent / "vendors").glob("*.json"))
TRIGGERS = sorted((Path(__file__).parent / "triggers").glob("*.json"))
SAMPLE = 12
TRIGGER_SAMPLE = 2
"""Recorded cases per node type that `make test` runs; `make conformance` runs all."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vendors_node_sends_and_gives_what_its_cases_say(path: Path) -> None:
    wrong = []
    for case in run_wire_file(path):
        passed, why = grade_wire(case)
        expected, actual = ((case[key] or {}).get("message") for key in ("error", "actual_error"))
        if not passed or expected != actual:
            wrong.append(f"{case['id']}: {why or f'{actual!r}, expected {expected!r}'}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", TRIGGERS, ids=lambda path: path.stem)
def test_a_vendors_trigger_does_what_its_cases_say(path: Path) -> None:
    wrong = [
        f"{case['id']}: {why}" for case in run_trigger_file(path) for passed, why in [grade_trigger(case)] if not passed
    ]
    assert not wrong, "\n".join(wrong)


def test_every_node_type_has_cases() -> None:
    named = {path.stem.replace("__", "/") for path in (*FILES, *TRIGGERS)}
    lacking = sorted(set(types()) - named)
    assert not lacking, (
        f"write tests/conformance/vendors/<type>.json (of a trigger: triggers/<type>.json) for {lacking}"
    )


@pytest.mark.parametrize("type_", [path.stem for path in TRIGGERS])
def test_recorded_triggers_do_the_same_here(type_: str, tmp_path: Path) -> None:
    """Two cases of each; at least nine in ten steps of all cases is what `make conformance` shows."""
    folder = shared_path("conformance")
    path = folder / "wire_triggers" / f"{type_}.json" if folder else None
    if folder is None or path is None or not path.is_file():
        pytest.skip(f"no recorded cases of {type_} beside the repository")
    cases = json.loads(path.read_text(encoding="utf-8"))[:TRIGGER_SAMPLE]
    sample = tmp_path / path.name
    sample.write_text(json.dumps(cases), encoding="utf-8")
    done = with_plain_queries(run_trigger_file(sample))
    wrong = [why for case in done for passed, why in [grade_trigger(case)] if not passed]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("type_", sorted(types()))
def test_a_sample_of_what_n8n_sent_is_sent_here(type_: str, tmp_path: Path) -> None:
    """At least four in five of a sample, compared by meaning; the score over all cases is `make conformance`'s."""
    folder = shared_path("conformance")
    path = folder / "wire" / f"{type_.replace('/', '__')}.json" if folder else None
    if folder is None or path is None or not path.is_file():
        pytest.skip(f"no recorded requests of {type_} beside the repository")
    cases = json.loads(path.read_text(encoding="utf-8"))
    cases = [each for each in cases if not each.get("excluded") and not each.get("error") and _is_fair(each)]
    if not cases:
        pytest.skip(f"every recorded request of {type_} ends in an error, or has an answer that the vendor never gives")
    sample, done = tmp_path / "cases" / path.name, tmp_path / "done" / path.name
    for each in (sample, done):
        each.parent.mkdir()
    sample.write_text(json.dumps(cases[:: max(1, len(cases) // SAMPLE)][:SAMPLE]), encoding="utf-8")
    results = run_wire_file(sample)
    done.write_text(json.dumps(with_plain_queries(results)), encoding="utf-8")
    sample.write_text(json.dumps(with_plain_queries(json.loads(sample.read_text(encoding="utf-8")))), encoding="utf-8")
    command = [sys.executable, str(folder / "compare_wire.py"), str(done.parent), str(sample.parent), "0.8"]
    graded = subprocess.run(command, capture_output=True, text=True, check=False)  # the comparer of the recorder
    if "\n0 of 0 wire cases" in graded.stdout and "0 unfit" not in graded.stdout:
        pytest.skip(f"every recorded request of {type_} that was sampled has an answer that the vendor never gives")
    assert graded.returncode == 0, graded.stdout


def _is_fair(case: dict[str, Any]) -> bool:
    """Return whether the invented answer has what the node reads: where it has not, n8n emits items without any JSON."""
    return all("json" in each for each in case.get("output") or [])
