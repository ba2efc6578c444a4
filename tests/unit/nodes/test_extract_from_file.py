"""Extract from File: which error tells of a file that cannot be read."""

import base64
from typing import Any

import pytest

from cli.testing.case import run_case
from runtime.contract import NodeError
from runtime.sandbox.documents import DocumentLimitError
from runtime.sandbox.failures import timed_out
from runtime.sandbox.limits import CodeLimits
from tests.exports import export, node

OTHER_FORMAT = "The file selected in 'Input Binary Field' is not in xlsx format"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NodeError("invalid"), OTHER_FORMAT),
        (DocumentLimitError("too long"), "too long"),
        (timed_out(CodeLimits(seconds=5)), "Task execution timed out after 5 seconds"),
    ],
)
async def test_a_limit_is_not_told_as_another_format(
    error: NodeError, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extension of the file is another one in each case."""

    async def read(*_: Any) -> Any:
        raise error

    monkeypatch.setattr("runtime.nodes.extract_from_file.read_sheet", read)
    file = {
        "data": base64.b64encode(b"x").decode(),
        "mimeType": "text/plain",
        "fileName": "a.txt",
        "fileExtension": "txt",
    }
    workflow = export(
        "case", node("Start", "executeWorkflowTrigger"), node("Read", "extractFromFile", operation="xlsx")
    )
    ran = await run_case({"workflow": workflow, "start": "Start", "input": [{"json": {}, "binary": {"data": file}}]})
    assert ran["error"]["message"] == told
