"""The real n8n beside us, where it is installed: the same exports through its own engine, in the same minutes.

`ORACLE_DIR` names the installation, `../shared/oracle/oracle.sh` runs it. Elsewhere the recorded figures stand in.
"""

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.exports import Export
from schemas.item import Items

SCRIPT: Final = Path(__file__).resolve().parents[2] / "shared" / "oracle" / "oracle.sh"
TIMES: Final = 3


def installed() -> bool:
    """Whether the real n8n can be asked on this machine."""
    return "ORACLE_DIR" in os.environ and SCRIPT.is_file()


def measure(exports: Mapping[str, tuple[Export, Items]], engine: str) -> dict[str, float | None]:
    """Median milliseconds per export after one run that warms up, each export in a process of its own: None where n8n died of it.
    `engine`: vm (n8n's default) or legacy.
    """
    return {name: _measure(export, given, engine) for name, (export, given) in exports.items()}


def _measure(export: Export, given: Items, engine: str) -> float | None:
    line = json.dumps({"name": "case", "workflow": export, "start": "Start", "mode": "trigger", "input": given})
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        asked.write_text("\n".join([line] * (TIMES + 1)), encoding="utf-8")
        environment = os.environ | {"N8N_EXPRESSION_ENGINE": engine, "ORACLE_HOME": folder}
        command = ["bash", str(SCRIPT), str(asked), str(told), "--timeout", "120000"]
        done = subprocess.run(command, env=environment, check=False, capture_output=True)  # noqa: S603  # our own script
        if done.returncode:
            return None
        answers = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    return float(statistics.median(each["ms"] for each in answers[1:]))
