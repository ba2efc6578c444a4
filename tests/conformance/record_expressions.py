"""Record expression files anew from real n8n: `python -m tests.conformance.record_expressions FILE...`.

Each file holds a workflow with the place-holders `<EXPRESSION>` and `<TIMEZONE>`, an input, and cases; this writes what
n8n gives into their `expected` and `error`. Needs the oracle beside the repository (`../shared/oracle`, `ORACLE_DIR`).
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.expressions_score import filled, without_source
from tests.shared_folder import shared_path

_SOURCES = re.compile(r"___n8n_data|\bthis\.\w+")
_POSITION = re.compile(r" \[<isolated-vm>:\d+:\d+\]$")
"""A place in the code that n8n has written around an expression."""
ORACLE = shared_path("oracle", "oracle.sh")


def record(path: Path) -> int:
    """Write n8n's answers into a file. Returns how many cases it has now; those that n8n did not answer are dropped."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    answers = dict(_ask(document))
    cases = [case | answers[i] for i, case in enumerate(document["cases"]) if i in answers]
    document["cases"] = cases
    path.write_text(written(document), encoding="utf-8")
    return len(cases)


def written(document: dict[str, Any]) -> str:
    """The document as text, a line per case."""
    head = json.dumps({key: value for key, value in document.items() if key != "cases"}, indent=1)
    lines = ",\n".join(f"  {json.dumps(case)}" for case in document["cases"])
    return head.removesuffix("\n}") + f',\n "cases": [\n{lines}\n ]\n}}\n'


def _ask(document: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    if ORACLE is None:
        raise SystemExit("recording needs the oracle beside the repository: ../shared/oracle/oracle.sh")
    first = 0
    while first < len(document["cases"]):
        with tempfile.TemporaryDirectory() as folder:
            questions, answers = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
            rest = range(first, len(document["cases"]))
            questions.write_text("".join(_question(document, i) for i in rest), encoding="utf-8")
            subprocess.run(
                ["/bin/bash", str(ORACLE), str(questions), str(answers)], check=False, stdout=subprocess.DEVNULL
            )
            lines = answers.read_text(encoding="utf-8").splitlines() if answers.exists() else []
            for answer in map(json.loads, lines):
                first = int(answer["name"]) + 1
                told = _told(document, answer.get("expected") or answer)
                if told is not None:
                    yield int(answer["name"]), told
        if not lines and first == rest.start:
            raise SystemExit("n8n gives no answer")
        first += 1  # the one that its process died at; past the end when all are answered


def _question(document: dict[str, Any], i: int) -> str:
    case = document["cases"][i]
    workflow = filled(document["workflow"], case["expression"], case["timezone"])
    given = [document["input"][index] for index in case["items"]]
    question = {
        "name": str(i),
        "workflow": workflow,
        "start": document["start"],
        "mode": document["mode"],
        "input": given,
    }
    return json.dumps(question) + "\n"


def _told(document: dict[str, Any], result: dict[str, Any]) -> dict[str, Any] | None:
    runs = (result.get("nodes") or {}).get(document["node"])
    if not runs:
        return None
    if runs[0].get("error"):
        message = runs[0]["error"].get("message") or ""
        return {"expected": None, "error": {"message": without_source(_POSITION.sub("", message))}}
    if _SOURCES.search(json.dumps(runs[0]["outputs"])):
        return None  # the text of a function as n8n has written it again, or of a library that it has packed
    values = [item.get(document["field"], {"$undefined": True}) for item in runs[0]["outputs"][0]]
    return {"expected": values, "error": None}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, record(Path(name)))
