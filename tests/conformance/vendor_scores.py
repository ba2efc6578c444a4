"""`python -m tests.conformance.vendor_scores [FOLDER]`: measure every vendor against n8n, into `docs/integrations/scores.json`.

It takes minutes, and the recorded cases (FOLDER; by default those beside the repository).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from runtime.integrations.index import types
from runtime.integrations.pages import SCORES
from tests.conformance.wire import run_wire_file
from tests.shared_folder import ABSENT, shared_path

KEPT = ("cases", "passed", "errors", "errors_passed")


def measured(shared: Path) -> dict[str, dict[str, int]]:
    """Return what the recorder's own comparer says, by type."""
    with tempfile.TemporaryDirectory() as temporary:
        cases, done, report = (Path(temporary) / each for each in ("cases", "done", "report.json"))
        cases.mkdir()
        done.mkdir()
        for type_ in types():
            path = shared / "wire" / f"{type_.replace('/', '__')}.json"
            if path.is_file():
                (cases / path.name).write_bytes(path.read_bytes())
                (done / path.name).write_text(json.dumps(run_wire_file(path)), encoding="utf-8")
        comparer = [sys.executable, str(shared / "compare_wire.py"), str(done), str(cases), "0", "--json", str(report)]
        subprocess.run(comparer, check=True, capture_output=True)
        found: dict[str, dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["types"]
    return {type_.replace("__", "/"): {key: each[key] for key in KEPT} for type_, each in sorted(found.items())}


def main(arguments: list[str]) -> int:
    """Write the file."""
    shared = Path(arguments[0]) if arguments else shared_path("conformance")
    if shared is None:
        print(ABSENT, file=sys.stderr)
        return 2
    SCORES.parent.mkdir(parents=True, exist_ok=True)
    SCORES.write_text(json.dumps(measured(shared), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
