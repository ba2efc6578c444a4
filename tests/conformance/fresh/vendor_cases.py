"""Ask n8n about fresh calls of vendors, and grade what we do: wire cases, one per line, each with its `type`.

n8n runs with `redirect.cjs` loaded, which sends its requests to the mock. Results are graded by the comparer of the recorded
cases (`../shared/conformance/compare_wire.py`).
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cli.testing.processes import CASE_SECONDS, DiedError, TooLongError, in_processes, limited
from tests.conformance.fresh.asking import answers, shows_now
from tests.conformance.fresh.vendor_calls import credential_id
from tests.conformance.fresh.vendor_mock import CASE_PATH, serve_vendors
from tests.conformance.wire import run_wire_case
from tests.conformance.wire_world import show_binary
from tests.shared_folder import ABSENT, shared_path

__all__ = ["ask_vendors", "grade_vendors"]

Json = dict[str, Any]
NODE: Final = "Node under test"
REDIRECT: Final = Path(__file__).with_name("redirect.cjs")
DRAWN: Final = ("id", "type", "typeVersion", "resource", "operation", "parameters", "credentials", "input", "node")
_GRAPHQL: Final = re.compile(r"\s*(query|mutation)\b[^{]*\{")
_UNSIGNED: Final = "Node does not have any credentials set"
_SENT: Final = ("requests", "actual_requests")
_RANDOM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UNDER_WAY: Final = 0.3
"""Seconds after which the requests of a run that failed have arrived: n8n does not wait for those under way."""


def ask_vendors(calls: Sequence[Json]) -> Iterator[Json]:
    """Yield wire cases with what n8n sent and gave, as it answers."""
    with serve_vendors(calls) as (mock, port):
        questions = [
            {"workflow": _workflow(call, i, port), "start": "Start", "input": call["input"]}
            for i, call in enumerate(calls)
        ]
        environment = {"NODE_OPTIONS": f"--require {REDIRECT}", "MOCK_PORT": str(port)}
        for i, told in answers(questions, environment):
            if told.get("error"):
                time.sleep(UNDER_WAY)
            if shows_now(mock.requests[i]):  # `$now` does not stand still
                continue
            if _UNSIGNED in json.dumps(
                told
            ):  # the recorded credentials are of another way to sign in than the drawn one
                continue
            yield {
                **{key: calls[i][key] for key in DRAWN}, "requests": mock.requests[i], "responses": mock.answers[i], **_told(told),
            }  # fmt: skip


def _workflow(call: Json, number: int, port: int) -> Json:
    """Return start -> a request that tells the mock which case begins, and after it the node."""
    position = {"Start": [0, 0], "Case": [200, -200], NODE: [200, 0]}
    start = {"type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "parameters": {}}
    begins = {
        "type": "n8n-nodes-base.httpRequest",
        "typeVersion": 4.2,
        "executeOnce": True,
        "parameters": {"url": f"http://127.0.0.1:{port}{CASE_PATH}{number}"},
    }
    node = {
        **call["node"], "type": call["type"], "typeVersion": call["typeVersion"], "parameters": call["parameters"],
        "credentials": {type_: {"id": (id_ := credential_id(type_, data)), "name": id_} for type_, data in call["credentials"].items()},
    }  # fmt: skip
    nodes = {"Start": start, "Case": begins, NODE: node}
    return {
        "nodes": [{"id": name, "name": name, "position": position[name], **each} for name, each in nodes.items()],
        "connections": {"Start": {"main": [[{"node": name, "type": "main", "index": 0} for name in ("Case", NODE)]]}},
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
    }


def _told(told: Mapping[str, Any]) -> Json:
    """Return output, error and status of the node in the shape of a wire case."""
    runs = (told.get("nodes") or {}).get(NODE) or []
    failed = told.get("error")
    outputs = None
    if runs and not failed and told["status"] != "waiting":
        outputs = [
            [_item(runs[-1], o, i, each) for i, each in enumerate(items or [])]
            for o, items in enumerate(runs[-1]["outputs"] or [])
        ]
    output: Any = None
    if outputs is not None:
        output = outputs[0] if len(outputs) == 1 else {"outputs": outputs}
    return {"output": output, "error": failed, "status": told["status"]}


def _item(run: Mapping[str, Any], output: int, place: int, json_: Any) -> Json:
    """Return an item. One whose JSON is null or not there has none."""
    item: Json = {} if json_ is None else {"json": json_}
    paired = (run.get("pairedItem") or [])[output]
    item["pairedItem"] = paired[place] if paired else None
    files = (run.get("binary") or [None] * (output + 1))[output]
    if files and files[place]:
        item["binary"] = {name: _file(file) for name, file in files[place].items()}
    return item


def _file(file: Mapping[str, Any]) -> Json:
    return show_binary(file)  # type: ignore[arg-type]  # as n8n has it


def _run(case: Json) -> Json:
    try:
        with limited(CASE_SECONDS):
            return {**case, **run_wire_case(case["type"], case)}
    except (Exception, TooLongError) as error:  # one that raises must not take the others down
        return {**case, "actual_error": {"name": "Fault", "message": f"Fault: {error!r}"}}


def _died(case: Json) -> Json:
    return {**case, "actual_error": {"name": "Fault", "message": f"Fault: {DiedError()}"}}


def _without_random(cases: Sequence[Json]) -> list[Json]:
    """Return cases in which an id that a node made at random is a word: none is the same twice."""
    return [{**case, **{name: _plain(case[name], case) for name in _SENT if name in case}} for case in cases]


def _plain(sent: Any, case: Json) -> Any:
    given = json.dumps([case.get(name) for name in ("parameters", "input", "credentials", "responses")])
    return json.loads(_RANDOM.sub(lambda each: each[0] if each[0] in given else "RANDOM", json.dumps(sent)))


def grade_vendors(cases: Sequence[Json], workers: int, out: Path | None) -> str:
    """Run cases and return the comparer's table; `out`: where those that differ go, with `why` and what happened here.

    Of a request's texts what says nothing is left out on both sides: see `_told_alike`.

    Raise SystemExit where the comparer is not beside the repository.
    """
    comparer = shared_path("conformance", "compare_wire.py")
    if comparer is None:
        raise SystemExit(ABSENT)
    done = in_processes(_run, list(cases), workers, _died)
    with tempfile.TemporaryDirectory() as temporary:
        folders = {name: Path(temporary, name) for name in ("cases", "done")}
        for name, group in (("cases", cases), ("done", done)):
            _write_by_type(folders[name], [_alike(each) for each in _without_random(group)])
        report = Path(temporary, "report.json")
        command = [
            sys.executable,
            str(comparer),
            str(folders["done"]),
            str(folders["cases"]),
            "0",
            "--show",
            "100000",
            "--json",
            str(report),
        ]
        table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        missed = json.loads(report.read_text(encoding="utf-8"))["missed"]
    if out:
        by_id = {(each["type"].replace("/", "__"), each["id"]): each for each in done}
        lines = [json.dumps({"why": each["why"], **by_id[each["type"], each["id"]]}) for each in missed]
        out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return table


def _alike(case: Json) -> Json:
    sent = {name: _told_alike(case[name]) for name in _SENT if case.get(name)}
    return {**case, **sent}


def _told_alike(value: Any) -> Any:
    """Return a request without what means nothing: the spaces and commas of GraphQL, and the number of a call of JSON-RPC."""
    if isinstance(value, list):
        return [_told_alike(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _told_alike(each) for key, each in value.items()}
    if "jsonrpc" in made and isinstance(made.get("id"), int):
        made["id"] = 0  # n8n draws it at random
    if isinstance(query := made.get("query"), str) and _GRAPHQL.match(query):
        made["query"] = "".join(query.replace(",", " ").split())
    return made


def _write_by_type(folder: Path, cases: Sequence[Json]) -> None:
    by_type = defaultdict(list)
    for case in cases:
        by_type[case["type"].replace("/", "__")].append(case)
    folder.mkdir()
    for type_, group in by_type.items():
        (folder / f"{type_}.json").write_text(json.dumps(group), encoding="utf-8")
