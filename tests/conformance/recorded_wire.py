"""What vendors' nodes and triggers do beside what n8n did, graded by meaning with the comparer of the recorded cases."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from cli.testing.processes import in_processes
from runtime.integrations.index import types
from tests.conformance.suites import write
from tests.shared_folder import shared_path

__all__ = ["NEED", "score_of"]

NEED: Final = {"wire": 0.95, "wire_triggers": 0.9}
"""Folder of recorded cases -> the part of the uses that has to be right."""


def score_of(folder: str, workers: int) -> tuple[str, bool]:
    """Run the recorded cases of this build's types; return the table of scores, and whether enough is right.

    Nothing beside the repository: an empty table, which is enough.
    """
    beside, comparer = shared_path("conformance", folder), shared_path("conformance", "compare_wire.py")
    if beside is None or comparer is None:
        return "", True
    files = [path for type_ in types() if (path := beside / f"{type_.replace('/', '__')}.json").is_file()]
    with tempfile.TemporaryDirectory() as place:
        cases, done = Path(place, "cases"), Path(place, "done")
        for each in (cases, done):
            each.mkdir()
        for path in files:
            (cases / path.name).symlink_to(path)
        in_processes(_run, [(path, done / path.name, folder) for path in files], workers, lambda one: [str(one[0])])
        command = [sys.executable, str(comparer), str(done), str(cases), str(NEED[folder])]
        graded = subprocess.run(command, capture_output=True, text=True, check=False)
    return graded.stdout, graded.returncode == 0


def _run(one: tuple[Path, Path, str]) -> Sequence[str]:
    from tests.conformance.wire import run_wire_file  # noqa: PLC0415 - only for these
    from tests.conformance.wire_triggers import run_trigger_file  # noqa: PLC0415 - only for these

    path, out, folder = one
    run: Callable[[Path], list[dict[str, Any]]] = run_trigger_file if folder == "wire_triggers" else run_wire_file
    write(out, run(path))
    return []
