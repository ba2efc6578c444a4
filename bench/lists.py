"""`tempor8 check` of 200 exports in one list, against the same exports in a file each: processor time and memory."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

EXPORTS: Final = 200
FOLDER: Final = Path(__file__).parents[1] / "n8n_exports"

MEASURED: Final = """
import json, resource, subprocess, sys
command = [sys.argv[1], "-c", "from cli.main import main; main()", *sys.argv[2:]]
subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
"""A small process between us and the one that is measured: a child's largest resident set begins as its parent's."""


def measure() -> dict[str, Any]:
    """Both figures and their ratios; the exports are the ten templates over and over."""
    templates = [json.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))]
    exports = [templates[number % len(templates)] for number in range(EXPORTS)]
    with TemporaryDirectory() as folder:
        one = Path(folder, "list.json")
        one.write_text(json.dumps(exports))
        many = Path(folder, "files")
        many.mkdir()
        for number, each in enumerate(exports):
            (many / f"{number}.json").write_text(json.dumps(each))
        of_list, of_files = _check(one), _check(many)
    return {
        "exports": EXPORTS,
        "bytes": sum(len(json.dumps(each)) for each in exports),
        "list": of_list,
        "files": of_files,
        "cpu_list_to_files": round(of_list["cpu_s"] / of_files["cpu_s"], 2),
        "memory_list_to_files": round(of_list["peak_mib"] / of_files["peak_mib"], 2),
    }


def _check(path: Path) -> dict[str, float]:
    """Processor seconds and the largest resident set of `tempor8 check`, its own processes included."""
    command = [sys.executable, "-c", MEASURED, sys.executable, "check", "--fail-on", "never", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    seconds, kibibytes = json.loads(done.stdout)
    return {"cpu_s": round(seconds, 2), "peak_mib": round(kibibytes / 1024, 1)}
