"""Random workflows of core nodes: the local host, the Temporal host and, where it is installed, the real n8n agree.

`make fuzz` draws more of them. A seed that differs is named; `draw_case(seed)` draws its workflow again.
"""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.testing.case import run_case
from cli.testing.compare import DECISIVE_LEVELS, levels
from cli.testing.temporal import run_cases
from runtime.hosts.local.offline import OfflineCapabilities
from tests.property.workflows import Case, draw_case
from tests.shared_folder import shared_path

CASES_IN_TESTS, CASES_UNDER_FUZZ = 25, 400
ORACLE = shared_path("oracle", "oracle.sh")


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> list[Case]:
    """Return cases of fixed seeds; under `make fuzz` more of them, with other seeds each time."""
    if request.config.getoption("hypothesis_profile", None) != "fuzz":
        return [draw_case(seed) for seed in range(CASES_IN_TESTS)]
    first = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1 << 30))
    return [draw_case(seed) for seed in range(first, first + CASES_UNDER_FUZZ)]


async def _run_locally(cases: list[Case]) -> list[dict[str, Any]]:
    capabilities = OfflineCapabilities()
    return [await run_case(case, capabilities) for case in cases]


def _differences(cases: list[Case], expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> list[str]:
    lines = []
    for case, expected_case, actual_case in zip(cases, expected, actual, strict=True):
        differences = {
            k: v for k, v in levels({**case, "expected": expected_case}, actual_case).items() if k in DECISIVE_LEVELS
        }
        if differences:
            lines.append(f"{case['name']}: {differences}")
    return lines


@pytest.mark.timeout(600)
async def test_the_two_hosts_agree(cases: list[Case]) -> None:
    on_local_host, on_temporal = await _run_locally(cases), await run_cases(cases)
    assert not _differences(cases, on_local_host, on_temporal)
    assert any(each["status"] == "success" for each in on_local_host)


@pytest.mark.timeout(600)
async def test_n8n_agrees(cases: list[Case], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("hypothesis_profile", None) != "fuzz":
        pytest.skip("n8n takes a minute: `make fuzz` asks it")
    if ORACLE is None or not Path(os.environ.get("ORACLE_DIR", "")).joinpath("app").is_dir():
        pytest.skip("n8n is not installed here: name its folder in ORACLE_DIR")
    input_path, output_path = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    input_path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    environment = {**os.environ, "ORACLE_HOME": str(tmp_path / "home")}
    command = ["bash", str(ORACLE), str(input_path), str(output_path)]
    subprocess.run(command, env=environment, check=False, capture_output=True, timeout=500)
    answers = {each["name"]: each["expected"] for each in map(json.loads, output_path.read_text("utf-8").splitlines())}
    assert len(answers) == len(cases), "n8n did not answer for each workflow"
    expected = [answers[case["name"]] for case in cases]
    assert not _differences(cases, expected, await _run_locally(cases))
