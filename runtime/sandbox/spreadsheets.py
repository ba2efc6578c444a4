"""Spreadsheets and CSV files to rows and back, on the libraries that n8n uses: SheetJS and csv-parse."""

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from runtime.contract import ActivityContext, NodeError
from runtime.sandbox.libraries import run_in_sandbox
from runtime.values.javascript import js_number, json_stringify
from runtime.values.streams import LongBytes

__all__ = ["FORMATS", "read_csv", "read_sheet", "takes_head", "write_sheet"]

FORMATS: Final = ("csv", "html", "rtf", "ods", "xls", "xlsx")
_BOOKS: Final = ("ods", "xls", "xlsx")
"""Formats of several sheets; n8n shows the options about sheets and ranges for these alone."""
_UTF16_NAMES: Final = ("utf16le", "utf-16le", "ucs2", "ucs-2")
_NODE_ENCODINGS: Final = ("utf8", "utf-8", "latin1", "binary", "ascii", *_UTF16_NAMES)
"""Those that Node can decode by parts, whatever the case of their letters."""
_NO_TEXT: Final = ("base64", "base64url", "hex")
FIRST_HEAD_BYTES: Final = 4 * 1024 * 1024
MAX_HEAD_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a long CSV file in which its first rows are looked for: at first, and at most."""
_SWITCHES: Final = {
    "enableBOM": "Invalid option bom: bom must be true",
    "relaxQuotes": "Invalid Option: relax_quotes must be a boolean",
}
"""Options of the CSV reader that take true or false alone -> what it says of anything else."""
_CSV: Final = """
const rows = [];
let skipped = 0;
const { text, header, empties, limit, strict, ...options } = value;
try {
  lib.parse(text, {
    ...options, columns: header,
    onRecord: (record) => {
      if (!empties) record = Object.fromEntries(Object.entries(record).filter(([, cell]) => cell !== ''));
      rows.push(header ? record : { row: record });
    },
    onSkip: () => { skipped += 1; },
  });
} catch (error) {
  if (strict || !error.code || error.code.startsWith('CSV_INVALID_OPTION')) throw error; // not a broken record
}
return { rows, skipped };
"""


async def read_csv(
    context: ActivityContext, data: bytes | LongBytes, options: Mapping[str, Any], *, strict: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of a CSV file: an object per row, or `{row: ...}` without a header. Raise NodeError.

    A broken record ends the file, as in n8n, or is an error (`strict`), unless records with errors are to be skipped. Of a long file only as much
    is read as the option for the number of rows requires.
    """
    if isinstance(data, bytes):
        return await _csv_rows(context, data, options, strict=strict)
    head, looked = bytearray(), FIRST_HEAD_BYTES
    async for piece in data:
        head += piece
        if len(head) < looked:
            continue
        whole = bytes(head[: head.rfind(b"\n") + 1])
        rows = await _csv_rows(context, whole, options, strict=False)
        if len(rows) >= js_number(options["maxRowCount"]):  # a record that is cut in its middle is none
            return rows
        looked *= 4
        if looked > MAX_HEAD_BYTES:
            raise NodeError(
                f"The first {options['maxRowCount']} rows are not in the first {len(head):,} bytes of the file",
                description="Ask for fewer rows: a step may not hold more of it.",
            )
    return await _csv_rows(context, bytes(head), options, strict=strict)


def takes_head(options: Mapping[str, Any]) -> bool:
    """Return whether the first part of a CSV file may be enough: its lines can be split without decoding, and broken
    ones, of which a cut would make one more, are not counted.
    """
    if ((options.get("skipRecordsWithErrors") or {}).get("value") or {}).get("enabled"):
        return False
    encoding = str(options.get("encoding") or "utf-8").lower()
    return js_number(options.get("maxRowCount", -1)) > -1 and encoding not in _UTF16_NAMES


async def _csv_rows(
    context: ActivityContext, data: bytes, options: Mapping[str, Any], *, strict: bool
) -> list[dict[str, Any]]:
    skip = (options.get("skipRecordsWithErrors") or {}).get("value") or {}
    for name, refusal in _SWITCHES.items():
        if not isinstance(value := options.get(name), bool | None):
            raise NodeError(f"{refusal}, got {json_stringify(value)}")
    request: dict[str, Any] = {
        "text": _text(data, str(options.get("encoding") or "utf-8")),
        "header": options.get("headerRow") is not False,
        "empties": bool(options.get("includeEmptyCells")),
        "delimiter": options.get("delimiter", ","),
        "bom": bool(options.get("enableBOM")),
        "relaxQuotes": bool(options.get("relaxQuotes")),
        "skipRecordsWithError": bool(skip.get("enabled")),
        "skipEmptyLines": True,
        "strict": strict,
    }
    if "fromLine" in options:
        request["fromLine"] = options["fromLine"]
    if js_number(options.get("maxRowCount", -1)) > -1:
        request["to"] = options["maxRowCount"]
    result = await run_in_sandbox(context, "csv_parse", _CSV, request)
    most = js_number(skip.get("maxSkippedRecords", -1)) if skip.get("enabled") else -1
    if most > 0 and result["skipped"] > most:
        raise NodeError("Max number of skipped records exceeded")
    rows: list[dict[str, Any]] = result["rows"]
    return rows


async def read_sheet(context: ActivityContext, data: bytes, format_: str, options: Mapping[str, Any]) -> list[Any]:
    """Return the rows of a sheet: objects by the header, or lists without one. Raise NodeError."""
    many, range_ = format_ in _BOOKS, options.get("range")
    request = {
        "data": base64.b64encode(data).decode(),
        "raw": bool(options.get("rawData")),
        "sheet": (options.get("sheetName") or "") if many else "",
        "header": format_ == "rtf" or options.get("headerRow") is not False,
        "empties": format_ != "rtf" and bool(options.get("includeEmptyCells")),
        "range": None if not range_ or not many else int(range_) if str(range_).isdigit() else str(range_),
    }
    result = await run_in_sandbox(context, "sheetjs.min", _sheets(), {"read": request})
    if "error" in result:
        raise NodeError(result["error"])
    rows: list[Any] = result["rows"]
    return rows


async def write_sheet(
    context: ActivityContext, rows: Sequence[Mapping[str, Any]], format_: str, options: Mapping[str, Any]
) -> bytes:
    """Return a file of one sheet; nested values get columns of their own (`a.b.0`). Raise NodeError."""
    request = {
        "rows": list(rows),
        "format": "biff8" if format_ == "xls" else format_,
        "header": options.get("headerRow") is not False,
        "delimiter": options.get("delimiter") or "",
        "sheet": (options.get("sheetName") if format_ in _BOOKS else None) or "Sheet",
        "compression": bool(options.get("compression")),
    }
    return base64.b64decode((await run_in_sandbox(context, "sheetjs.min", _sheets(), {"write": request}))["data"])


def _text(data: bytes, name: str) -> str:
    """Return the text of bytes. Raise NodeError for an encoding that Node does not know, or whose text has no delimiter to n8n."""
    encoding = name.lower()
    if encoding in _NO_TEXT:
        text = "Invalid option delimiter: delimiter must be a non empty string or buffer or array of string|buffer, got undefined"
        raise NodeError(text)
    if encoding not in _NODE_ENCODINGS:
        raise NodeError(f"Unknown encoding: {name}")
    if encoding == "ascii":  # Node drops the highest bit
        return bytes(byte & 0x7F for byte in data).decode("ascii")
    if encoding in _UTF16_NAMES:
        return data.decode("utf-16-le", "replace")
    return data.decode("latin-1" if encoding in ("latin1", "binary") else "utf-8", "replace")


@cache
def _sheets() -> str:
    return (Path(__file__).parent / "spreadsheets.js").read_text(encoding="utf-8")
