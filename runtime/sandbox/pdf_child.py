"""The child process that reads a PDF of an author: started as a script (`python -I pdf_child.py`), PDF on stdin after a line
of JSON options, JSON on stdout: `{"pages": [...], "count", "info", "metadata"}` or `{"error": kind}`. It may neither open
files nor write them, and ends when its time or memory is used up.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
from typing import Any, Final

CPU_SECONDS: Final = 60
MEMORY_BYTES: Final = 1 << 30
OPEN_FILES: Final = 16
"""Enough for the modules that Python loads late."""


def confine() -> None:
    """Set limits that no PDF passes. Everything is imported by now."""
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_NPROC": 0,
        "RLIMIT_CPU": CPU_SECONDS,
        "RLIMIT_DATA": MEMORY_BYTES,
    }
    for name, value in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def read(data: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the file."""
    from pypdf import PasswordType, PdfReader  # noqa: PLC0415 - imported before `confine`
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
            "language": reader.root_object.get("/Lang"),
        }
    except (PdfReadError, PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError):
        return {"error": "invalid"}


def main() -> None:
    """Read one file from stdin."""
    import logging  # noqa: PLC0415 - only here

    import pypdf  # noqa: F401, PLC0415 - loaded before files are closed

    logging.disable(logging.CRITICAL)
    options = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    confine()
    try:
        result = read(data, options)
    except MemoryError:
        result = {"error": "memory"}
    sys.stdout.buffer.write(json.dumps(result).encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    main()
