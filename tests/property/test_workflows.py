"""Random workflows of core nodes: the local host, the Temporal host and, where it is installed, the real n8n agree.

`make fuzz` draws more of them. A seed that differs is named; `drawn(seed)` makes its workflow again.
"""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.testing.case import run_case
from cli.testing.compare import COUNTED, levels
from cli.testing.temporal import run_cases
from runtime.hosts.local.offline import OfflineCapabilities
from tests.property.workflows import Case, drawn
from tests.shared_folder import shared_path

FEW, MANY = 25, 400
ORACLE = shared_path("oracle", "oracle.sh")


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> list[Case]:
    """A few of fixed seeds; under `make fuzz` many, of seeds that differ each time."""
    if request.config.getoption("hypothesis_profile", None) != "fuzz":
        return [drawn(seed) for seed in range(FEW)]
    first = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1 << 30))
    return [drawn(seed) for seed in range(first, first + MANY)]


async def _here(cases: list[Case]) -> list[dict[str, Any]]:
    capabilities = OfflineCapabilities()
    return [await run_case(case, capabilities) for case in cases]


def _differences(cases: list[Case], expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> list[str]:
    told = []
    for case, want, got in zip(cases, expected, actual, strict=True):
        found = {k: v for k, v in levels({**case, "expected": want}, got).items() if k in COUNTED}
        told += [f"{case['name']}: {found}"] if found else []
    return told


@pytest.mark.timeout(600)
async def test_the_two_hosts_agree(cases: list[Case]) -> None:
    here, there = await _here(cases), await run_cases(cases)
    assert not _differences(cases, here, there)
    assert any(each["status"] == "success" for each in here)


@pytest.mark.timeout(600)
async def test_n8n_agrees(cases: list[Case], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("hypothesis_profile", None) != "fuzz":
        pytest.skip("n8n takes a minute: `make fuzz` asks it")
    if ORACLE is None or not Path(os.environ.get("ORACLE_DIR", "")).joinpath("app").is_dir():
        pytest.skip("n8n is not installed here: name its folder in ORACLE_DIR")
    # order v0 is measured by its recorded cases: of random workflows in that order, some two in a hundred differ
    cases = [case for case in cases if case["workflow"]["settings"]["executionOrder"] == "v1"]
    given, told = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    environment = {**os.environ, "ORACLE_HOME": str(tmp_path / "home")}
    command = ["bash", str(ORACLE), str(given), str(told)]
    subprocess.run(command, env=environment, check=False, capture_output=True, timeout=500)
    answers = {each["name"]: each["expected"] for each in map(json.loads, told.read_text("utf-8").splitlines())}
    assert len(answers) == len(cases), "n8n did not answer for each workflow"
    expected = [answers[case["name"]] for case in cases]
    assert not _differences(cases, expected, await _here(cases))
