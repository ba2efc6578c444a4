"""The real n8n beside us, where it is installed: the same exports through its own engine, in the same minutes.

`ORACLE_DIR` names the installation, `../shared/oracle/oracle.sh` runs it. Elsewhere the recorded figures stand in.
"""

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.exports import Export
from schemas.item import Items

SCRIPT: Final = Path(__file__).resolve().parents[2] / "shared" / "oracle" / "oracle.sh"
TIMES: Final = 3


def installed() -> bool:
    """Whether the real n8n can be asked on this machine."""
    return "ORACLE_DIR" in os.environ and SCRIPT.is_file()


def measure(exports: Mapping[str, tuple[Export, Items]], engine: str) -> dict[str, float]:
    """Median milliseconds per export after one run that warms up. `engine`: vm (n8n's default) or legacy."""
    lines = [
        json.dumps({"name": name, "workflow": export, "start": "Start", "mode": "trigger", "input": given})
        for name, (export, given) in exports.items()
        for _ in range(TIMES + 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        asked.write_text("\n".join(lines), encoding="utf-8")
        environment = os.environ | {"N8N_EXPRESSION_ENGINE": engine, "ORACLE_HOME": folder}
        command = ["bash", str(SCRIPT), str(asked), str(told), "--timeout", "120000"]
        subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603  # our own script
        answers = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    return {name: _median([each for each in answers if each["name"] == name]) for name in exports}


def _median(answers: Sequence[dict[str, float]]) -> float:
    return statistics.median(each["ms"] for each in answers[1:])
