"""The text of PDF files, read in a child process: what authors upload is not to be trusted with a worker's memory."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.confinement.limits import ChildLimits
from runtime.contract import NodeError
from runtime.sandbox.documents import Threads, read_document

__all__ = ["read_pdf"]

_MODULE: Final = "runtime.sandbox.pdf_child"
_LIMITS: Final = ChildLimits(memory_bytes=1 << 30, cpu_seconds=60, open_files=16)
_TIMEOUT_SECONDS: Final = 90.0
_ERRORS: Final = {
    "no password": "No password given",
    "wrong password": "Incorrect Password",
    "invalid": "Invalid PDF structure.",
    "memory": "This PDF needs more memory than a step may use",
}
_INFO: Final = {
    "IsLinearized": False, "IsXFAPresent": False, "IsCollectionPresent": False, "IsSignaturesPresent": False,
}  # fmt: skip


async def read_pdf(threads: Threads, data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Read a file on one of the threads of a step.

    Return `numpages`, `numrender`, `info`, `text` (of all pages, or a list), `version` (of the library). Raise
    NodeError.
    """
    most, password = options.get("maxPages") or 0, options.get("password")
    document = await _read(threads, data, {"most": most, "password": password})
    if "error" in document:
        raise NodeError(_ERRORS[document["error"]])
    texts = [str(page).rstrip("\n") for page in document["pages"]]
    return {
        "numpages": document["count"],
        "numrender": len(texts),
        "info": {
            "PDFFormatVersion": document["version"],
            "Language": document["language"],
            "EncryptFilterName": document["filter"],
            **_INFO,
            "IsAcroFormPresent": document["form"],
            **document["info"],
        },
        "text": texts if options.get("joinPages") is False else "\n\n".join(texts),
        "version": document["library"],
    }


async def _read(threads: Threads, data: bytes, request: Mapping[str, Any]) -> dict[str, Any]:
    import pypdf  # noqa: PLC0415 - for its version; the child does the work

    document = await read_document(threads, "PDF", _MODULE, _LIMITS, request, data, _TIMEOUT_SECONDS)
    known: dict[str, Any] = document
    return known | {"library": pypdf.__version__}
