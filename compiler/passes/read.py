"""Parse bytes or text as strict JSON. Limits come first; every error has its place and its likely cause."""

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from compiler.source.document import Document
from compiler.source.source import duplicates
from compiler.unit import Unit
from schemas.diagnostic import Location
from schemas.diagnostic.reading import (
    ByteOrderMark,
    DuplicateKey,
    EmptyFile,
    NotANumber,
    NotJson,
    NotUtf8,
    SeveralDocuments,
    TooDeep,
    TooLarge,
)

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 200
"""Levels of nested objects and lists."""
MAX_DUPLICATES: Final = 20
"""Duplicate keys that are reported per file."""
_UTF_16: Final = ("UTF-16", "save it as UTF-8 (PowerShell: `Out-File -Encoding utf8`)")
_UNPACK: Final = "unpack it first"
FORMATS: Final = {
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
    b"\x1f\x8b": ("a gzip archive", _UNPACK),
    b"PK\x03\x04": ("a zip archive", _UNPACK),
}
"""First bytes of a file that is not UTF-8 -> its format, and what to do about it."""


CONSTANTS: Final = {name: re.compile(rf'(?<![\w"]){name}(?![\w"])') for name in ("NaN", "Infinity", "-Infinity")}
CONFLICT: Final = re.compile(r"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)


class _Constant(ValueError):
    """A number that JSON does not have."""


def read(unit: Unit) -> None:
    """Fill `unit.document`, unless it has been read for another of its workflows."""
    if unit.document is None:
        unit.document = Document()
        _read(unit, unit.document)
    if not unit.stopped:
        unit.report(*unit.document.findings_of(unit.options.workflow))


def _read(unit: Unit, document: Document) -> None:
    if isinstance(unit.source, Mapping):
        document.value = unit.source
    elif _decode(unit, document):
        _parse(unit, document)
    if not unit.stopped and not _within_depth(document.value):
        unit.stop(TooDeep(at=unit.at(), limit=MAX_DEPTH))
    if unit.stopped:
        unit.report(*document.findings)


def _decode(unit: Unit, document: Document) -> bool:
    source = unit.source
    size = len(source)
    if size > MAX_FILE_BYTES:
        unit.stop(TooLarge(at=unit.at(), size=size, limit=MAX_FILE_BYTES))
        return False
    if isinstance(source, bytes):
        try:
            document.text = source.decode("utf-8")
        except UnicodeDecodeError as error:
            unit.stop(_not_utf8(unit, source, error.start))
            return False
    elif isinstance(source, str):
        document.text = source
    if document.text.startswith("\ufeff"):
        document.text = document.text.lstrip("\ufeff")
        document.findings.append(ByteOrderMark(at=unit.at()))
    if not document.text.strip():
        unit.stop(EmptyFile(at=unit.at()))
    return not unit.stopped


def _not_utf8(unit: Unit, source: bytes, start: int) -> NotUtf8:
    before = source[:start]
    at = Location(file=unit.file, line=before.count(b"\n") + 1, column=start - before.rfind(b"\n"))
    format_, advice = next((what for mark, what in FORMATS.items() if source.startswith(mark)), ("", ""))
    known = {"format": f"this is {format_}", "advice": advice} if format_ else {}
    return NotUtf8(at=at, byte=f"0x{source[start]:02x}", position=start, **known)


def _parse(unit: Unit, document: Document) -> None:
    text, repeated = document.text, False

    def to_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        value = dict(members)
        repeated = repeated or len(value) != len(members)
        return value

    try:
        document.value = json.loads(text, object_pairs_hook=to_object, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        unit.stop(_json_error(unit, text, error))
    except _Constant as error:
        match = CONSTANTS[str(error)].search(text)
        unit.stop(NotANumber(at=_location(unit, text, match.start() if match else 0), constant=str(error)))
    except RecursionError:
        unit.stop(TooDeep(at=unit.at(), limit=MAX_DEPTH))
    except ValueError as error:  # a number of more than 4,300 digits
        unit.stop(NotJson(at=unit.at(), reason=str(error).partition(";")[0]))
    if repeated and not unit.stopped:
        first = islice(duplicates(text), MAX_DUPLICATES)
        document.findings.extend(
            DuplicateKey(at=Location(file=unit.file, pointer=path), key=key) for path, key in first
        )


def _reject_constant(constant: str) -> Any:
    raise _Constant(constant)


def _within_depth(document: Any) -> bool:
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        level = [
            each
            for outer in level
            for each in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(each, dict | list)
        ]
        if not level:
            return True
    return False


def _location(unit: Unit, text: str, offset: int) -> Location:
    line = text.count("\n", 0, offset) + 1
    return Location(file=unit.file, line=line, column=offset - text.rfind("\n", 0, offset))


def _json_error(unit: Unit, text: str, error: json.JSONDecodeError) -> NotJson | SeveralDocuments:
    offset = error.pos
    if error.msg.startswith("Illegal trailing comma"):  # Python 3.13 stops at the comma, earlier ones behind it
        offset = len(text) - len(text[offset + 1 :].lstrip())
    at = _location(unit, text, offset)
    if error.msg == "Extra data":
        return SeveralDocuments(at=at, excerpt=text[offset : offset + 30].strip())
    reason, advice = _cause(text, offset, error.msg)
    return NotJson(at=at, reason=reason, advice=advice)


def _cause(text: str, offset: int, message: str) -> tuple[str, str]:  # noqa: C901, PLR0911 - one line per cause
    """Return the cause in the author's terms and what to do, derived from the text where the parser stopped."""
    head, here, before = text.lstrip(), text[offset : offset + 1], text[:offset].rstrip()[-1:]
    if head.startswith("```"):
        return "the document is wrapped in a Markdown code fence", "remove the lines that start with ```"
    if head.startswith("<"):
        return "this is HTML or XML", "download the raw file instead of the page"
    if head.startswith(("<<<<<<<", "=======")) or CONFLICT.search(text):
        return "the file has unresolved merge conflicts", "resolve them"
    if not here:
        return "the document ends too early", "the file was cut off; export the workflow from n8n again"
    if text.startswith(("//", "/*"), offset) or here == "#":
        return "JSON does not allow comments", "remove the comment"
    if here == "'" or (message.startswith("Expecting property name") and here.isalpha()):
        return "names and strings need double quotes", 'write "name"'
    if before == "," and here in "}]":
        return f"there is a comma before {here!r}", "remove the trailing comma"
    if message.startswith("Invalid control character"):
        return "a string contains a line break or control character", r"write \n for a line break"
    if message.startswith("Invalid \\escape"):
        return f"the escape {text[offset : offset + 2]!r} is unknown", r"write \\ for a backslash"
    if message.startswith("Expecting ',' delimiter"):
        cause = (
            'write \\" for a quote inside a string'
            if before == '"' and here.isalnum()
            else "add the missing comma or bracket before it"
        )
        return f"unexpected {text[offset : offset + 12].splitlines()[0]!r}", cause
    return f"{message[0].lower()}{message[1:]}", ""
