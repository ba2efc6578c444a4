"""Mistral AI: the text of a document."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import Item
from runtime.integrations.files import data_url
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope


async def extract_file(run: Run, scope: Scope) -> list[Item]:
    """Read the text of a file of the item. Raise NodeError."""
    name = scope.parameters["binaryProperty"]
    kind = scope.parameters["documentType"]
    document = {"type": kind, kind: await data_url(run, scope.index, name)}
    if kind == "document_url":
        document["document_name"] = run.file(scope.index, name).get("fileName", "")
    body = {"model": scope.parameters["model"], "document": document}
    return [{"json": _with_text(await run.request(scope, method="POST", path="/ocr", json=body))}]


def extracted(scope: Scope) -> Any:
    """Return the answer with the text of all its pages, and their number."""
    return _with_text(scope.names["response"])


def _with_text(answer: Any) -> Any:
    pages = answer.get("pages") if isinstance(answer, Mapping) else None
    if not isinstance(pages, list):
        return answer
    text = "\n\n".join(each.get("markdown", "") for each in pages)
    return {**answer, "extractedText": text, "pageCount": len(pages)}
