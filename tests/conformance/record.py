"""Record what real n8n does into cases: `python -m tests.conformance.record FILE...`.

Writes the `expected` of each case; a case that says something else keeps it unless `--accept` is given. Needs the oracle
beside the repository (`../shared/oracle`) and the n8n that `ORACLE_DIR` names.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.shared_folder import shared_path

QUESTION = ("workflow", "start", "mode", "input", "subworkflows")


def ask(cases: list[dict[str, Any]]) -> dict[int, Any]:
    """Return index -> what n8n did, in the shape of `expected`. Raises SystemExit where no n8n can be asked."""
    oracle = shared_path("oracle", "oracle.sh")
    if oracle is None:
        raise SystemExit("recording needs the oracle beside the repository: ../shared/oracle/oracle.sh")
    with tempfile.TemporaryDirectory() as folder:
        questions, answers = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        lines = [
            json.dumps({"name": str(i), **{key: case[key] for key in QUESTION if key in case}})
            for i, case in enumerate(cases)
        ]
        questions.write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run(["/bin/bash", str(oracle), str(questions), str(answers)], check=True, stdout=subprocess.DEVNULL)
        answered = map(json.loads, answers.read_text(encoding="utf-8").splitlines())
        return {int(each["name"]): each["expected"] for each in answered if each.get("expected")}


def main() -> None:
    """Ask n8n once for all files and write those that change."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.record", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--accept", action="store_true", help="replace what cases expect already")
    options = parser.parse_args()
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in options.paths]
    answers = ask(cases)
    for i, (path, case) in enumerate(zip(options.paths, cases, strict=True)):
        if i not in answers:
            print(f"{path}: n8n gave no answer")
        elif case.get("expected", answers[i]) != answers[i] and not options.accept:
            print(f"{path}: n8n did something else than the case expects; --accept writes it")
        else:
            text = json.dumps({**case, "expected": answers[i]}, ensure_ascii=True, indent=1)
            path.write_text(text + "\n", encoding="utf-8")
            print(f"{path}: {answers[i]['status']}")


if __name__ == "__main__":
    main()
