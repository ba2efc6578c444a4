"""HTTP Request against the canned answers that n8n got: what it sends, its items, its error texts and its files.

One file per theme in `wire_http/`, in the format of the wire cases. `python -m tests.conformance` grades them too, by requests
and items alone.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.wire import grade_wire, run_wire_file

FILES = sorted((Path(__file__).parent / "wire_http").glob("*.json"))
_FILE_FACTS = ("mimeType", "fileType", "fileExtension", "fileName", "fileSize", "bytes")


def _difference(case: dict[str, Any]) -> str:
    passed, why = grade_wire(case)
    if not passed:
        return why
    expected, actual = ((case[key] or {}).get("message") for key in ("error", "actual_error"))
    if expected != actual:
        return f"{actual!r}, expected {expected!r}"
    if case["error"]:
        return ""
    return _output_difference(_by_output(case["output"]), _by_output(case["actual_output"]))


def _by_output(output: Any) -> list[list[dict[str, Any]]]:
    """Return the items of each output; a list of items is the first output."""
    return output["outputs"] if isinstance(output, dict) else [output]


def _output_difference(expected: list[list[dict[str, Any]]], actual: list[list[dict[str, Any]]]) -> str:
    counts = [[len(items) for items in outputs] for outputs in (expected, actual)]
    if counts[0] != counts[1]:
        return f"items per output {counts[1]}, expected {counts[0]}"
    pairs = [pair for outputs in zip(expected, actual, strict=True) for pair in zip(*outputs, strict=True)]
    return next(filter(None, (_file_difference(*pair) for pair in pairs)), "")


def _file_difference(expected: dict[str, Any], actual: dict[str, Any]) -> str:
    for name, file in expected.get("binary", {}).items():
        shown = {key: value for key, value in actual["binary"][name].items() if key in _FILE_FACTS}
        if shown != file:
            return f"file {name}: {shown}, expected {file}"
    return ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_http_request_sends_and_gives_what_n8n_did(path: Path) -> None:
    """Requests, items per output, error texts and files of every case of a theme."""
    differences = {case["id"]: why for case in run_wire_file(path) if (why := _difference(case))}
    assert not differences, "\n".join(f"{id_}: {why}" for id_, why in differences.items())
