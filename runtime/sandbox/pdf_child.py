"""The child process that reads a PDF of an author. Started by `runtime.confinement`: PDF on stdin after a line of JSON
options, JSON on stdout: `{"pages": [...], "count", "info", "metadata"}` or `{"error": kind}`.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import io
import json
import pkgutil
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from runtime.confinement.launcher import Walls


ENCODINGS: Final = (
    "ascii", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le", "unicode-escape", "cp1250", "cp1251", "cp1252", "mac-roman",
    "big5", "cp949", "cp950", "cp932", "euc-jp", "euc-kr", "gb2312", "gb18030", "gbk", "hz", "johab", "shift-jis", "shift-jisx0213",
    "iso2022-jp", "iso2022-kr", "hkscs", "cp1258", "idna", "hex", "charmap",
)  # fmt: skip
"""Those that fonts and texts of PDF files name."""


def read(data: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the file."""
    from pypdf import PasswordType, PdfReader  # noqa: PLC0415 - loaded by `prepare`
    from pypdf.errors import PdfReadError, PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            password = options.get("password")
            if reader.decrypt(password or "") is PasswordType.NOT_DECRYPTED:
                return {"error": "wrong password" if password else "no password"}
        pages = reader.pages
        most = options.get("most") or len(pages)
        texts = [page.extract_text() for page in list(pages)[: int(most)]]
        info = {str(key).lstrip("/"): str(value) for key, value in (reader.metadata or {}).items()}
        form = reader.root_object.get("/AcroForm")
        return {
            "pages": texts,
            "count": len(pages),
            "version": reader.pdf_header.removeprefix("%PDF-"),
            "info": info,
            "form": form is not None,
            "filter": _filter(reader.trailer) if reader.is_encrypted else None,
            "language": reader.root_object.get("/Lang"),
        }
    except (PdfReadError, PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError):
        return {"error": "invalid"}


def _filter(trailer: Any) -> str | None:
    """Return the name of the security handler that the file is encrypted by."""
    name = trailer["/Encrypt"].get_object().get("/Filter")
    return str(name).lstrip("/") if name is not None else None


def prepare(arguments: tuple[str, ...]) -> None:
    """Load all that reading may need: no module can be loaded behind the walls."""
    import logging  # noqa: PLC0415 - only here

    import pypdf  # noqa: PLC0415

    del arguments
    logging.disable(logging.CRITICAL)
    for module in pkgutil.walk_packages(pypdf.__path__, "pypdf."):
        with contextlib.suppress(ImportError):  # what belongs to extras that are not installed
            importlib.import_module(module.name)
    for encoding in ENCODINGS:
        codecs.lookup(encoding)


def serve(walls: Walls) -> None:
    """Read one file from stdin."""
    walls.limit_memory()
    options = json.loads(sys.stdin.buffer.readline())
    try:
        result = read(sys.stdin.buffer.read(), options)
    except MemoryError:
        result = {"error": "memory"}
    sys.stdout.buffer.write(json.dumps(result).encode("utf-8", "surrogatepass"))
    sys.stdout.buffer.flush()
