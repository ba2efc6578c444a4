"""The text of PDF files, read in a child process: what authors upload is not to be trusted with a worker's memory."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from runtime.contract import NodeError

__all__ = ["read_pdf"]

_CHILD: Final = Path(__file__).with_name("pdf_child.py")
_TIMEOUT_SECONDS: Final = 90.0
_ERRORS: Final = {
    "no password": "No password given",
    "wrong password": "Incorrect Password",
    "invalid": "Invalid PDF structure.",
    "memory": "This PDF needs more memory than a step may use",
}
_INFO: Final = {
    "EncryptFilterName": None, "IsLinearized": False, "IsXFAPresent": False, "IsCollectionPresent": False,
    "IsSignaturesPresent": False,
}  # fmt: skip


async def read_pdf(data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `numpages`, `numrender`, `info`, `text` (of all pages, or a list), `version` (of the library). Raise
    NodeError.
    """
    most, password = options.get("maxPages") or 0, options.get("password")
    document = await _read(data, {"most": most, "password": password})
    if "error" in document:
        raise NodeError(_ERRORS[document["error"]])
    texts = [str(page).rstrip("\n") for page in document["pages"]]
    return {
        "numpages": document["count"],
        "numrender": len(texts),
        "info": {
            "PDFFormatVersion": document["version"],
            "Language": document["language"],
            **_INFO,
            "IsAcroFormPresent": document["form"],
            **document["info"],
        },
        "text": texts if options.get("joinPages") is False else "\n\n".join(texts),
        "version": document["library"],
    }


async def _read(data: bytes, request: Mapping[str, Any]) -> dict[str, Any]:
    import pypdf  # noqa: PLC0415 - for its version; the child does the work

    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(_CHILD),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        out, _ = await asyncio.wait_for(
            child.communicate(json.dumps(dict(request)).encode() + b"\n" + data), _TIMEOUT_SECONDS
        )
    except TimeoutError:
        out = b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if not out:
        raise NodeError("This PDF needs more time or memory than a step may use")
    document: dict[str, Any] = json.loads(out)
    return document | {"library": pypdf.__version__}
