"""Form: the files of a last page."""

import base64
from typing import Any

import pytest

from cli.testing.case import run_case
from tests.exports import export, node

FILES = {
    name: {"data": base64.b64encode(name.encode()).decode(), "mimeType": "text/plain", "fileName": f"{name}.txt"}
    for name in ("a", "b")
}


async def _run(names: str, *items: dict[str, Any]) -> Any:
    last = node("End", "form", 2.3, operation="completion", respondWith="returnBinary", completionTitle="T",
                completionMessage="M", inputDataFieldName=names, options={})  # fmt: skip
    case = {"workflow": export("case", node("Start", "executeWorkflowTrigger"), last), "start": "Start"}
    return await run_case({**case, "input": list(items)})


@pytest.mark.parametrize(("names", "given"), [("a", "a"), ("b,a", "ba"), ("a , b", "ab")])
async def test_a_last_page_gives_the_files_that_are_named(names: str, given: str) -> None:
    ran = await _run(names, {"json": {}, "binary": FILES}, {"json": {}})
    assert ran["response"] == {"form": {"title": "T", "message": "M", "files": [FILES[name] for name in given]}}
    assert ran["nodes"]["End"][0]["outputs"] == [[{}, {}]]


@pytest.mark.parametrize("items", [[{"json": {}}], [{"json": {}, "binary": {"a": FILES["a"]}}]])
async def test_a_file_that_is_not_there_fails_the_step(items: list[dict[str, Any]]) -> None:
    assert (await _run("a, zz" if "binary" in items[0] else "zz", *items))["error"]["message"] == (
        "No binary data with field zz found."
    )
