"""Files as documents, as LangChain's loaders read them: text, CSV, JSON, PDF, Word. For activities."""

import csv
import html
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.agents.retrieval.json_texts import TooManyTextsError, texts
from runtime.agents.retrieval.splitting import Document, Splitting, split_documents
from runtime.contract import ActivityContext, NodeError
from runtime.sandbox.pdf import read_pdf
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string
from schemas.item import Item

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
BY_TYPE: Final = {
    "application/json": "jsonLoader", "application/pdf": "pdfLoader", "text/csv": "csvLoader", DOCX: "docxLoader",
    "text/plain": "textLoader", "text/markdown": "textLoader", "text/html": "textLoader", "text/xml": "textLoader",
    "application/xml": "textLoader",
}  # fmt: skip
WORD_TEXT: Final = re.compile(r"<w:t(?: [^<>]*)?>([^<]*)</w:t>|</w:p>|<w:br/>")
"""A run of text in a Word file, the end of a paragraph, a line break."""
MAX_WORD_BYTES: Final = 32 * 1024 * 1024
"""Of the text of a Word file, unpacked."""


async def of_binary(
    context: ActivityContext, item: Item, keys: Sequence[str], loader: str, options: Mapping[str, Any]
) -> list[Document]:
    """Return the documents of an item's files. Raise NodeError for a file that is not there or cannot be read."""
    found: list[Document] = []
    for key in keys:
        try:
            ref = binary_of(item, key, 0)
        except NoBinaryError as error:
            raise NodeError(error.message, description=error.description) from error
        type_ = str(ref.get("mimeType", "")).partition(";")[0]
        kind = BY_TYPE.get(type_) if loader == "auto" else loader
        if kind is None:
            raise NodeError(f"Unsupported mime type: {type_}", description="Choose the data format in the loader")
        found += await _read(context, kind, await context.blobs.read(ref), type_, options)
    return found


async def _read(
    context: ActivityContext, kind: str, data: bytes, type_: str, options: Mapping[str, Any]
) -> list[Document]:
    if kind == "pdfLoader":
        return await _pdf(context, data, split=options.get("splitPages") is not False)
    if kind == "docxLoader":
        return [_document(await context.on_thread(_word, data), type_)]
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    if kind == "csvLoader":
        separator, column = js_string(options.get("separator") or ","), js_string(options.get("column") or "")
        try:
            return await context.on_thread(_csv, text, type_, separator, column)
        except csv.Error as error:
            raise NodeError("The file is not CSV", description=str(error)) from None
    if kind == "jsonLoader":
        try:
            value = json.loads(text)
        except ValueError as error:
            raise NodeError("The file is not JSON", description=str(error)) from None
        return await of_json(context, value, options.get("pointers"))
    if kind == "textLoader":
        return [_document(text, type_)]
    raise NodeError(
        f"The data format {kind} is not supported", description="Extract the text in a node before this one"
    )


async def split(context: ActivityContext, documents: Sequence[Document], splitting: Splitting) -> list[Document]:
    """Return the chunks of documents, on a thread. Raise NodeError."""
    try:
        return await context.on_thread(split_documents, documents, splitting)
    except ValueError as error:
        raise NodeError(str(error)) from None


async def of_json(context: ActivityContext, value: Any, pointers: Any = None) -> list[Document]:
    """Return a document per text in JSON; `pointers`: n8n's option, separated by commas. Raise NodeError for too many."""
    named = [each for each in js_string(pointers or "").split(",") if each.strip()]
    try:
        return _numbered(await context.on_thread(texts, value, named), "application/json")
    except TooManyTextsError as error:
        raise NodeError(str(error), description="Choose JSON pointers, or load fewer data at a time") from None


def _document(text: str, type_: str, **more: Any) -> Document:
    return {"pageContent": text, "metadata": {"source": "blob", "blobType": type_, **more}}


def _numbered(found: Sequence[str], type_: str) -> list[Document]:
    if len(found) == 1:
        return [_document(found[0], type_)]
    return [_document(text, type_, line=n + 1) for n, text in enumerate(found)]


def _csv(text: str, type_: str, separator: str, column: str) -> list[Document]:
    rows = list(csv.DictReader(io.StringIO(text), delimiter=separator[:1] or ","))
    if column and rows and column not in rows[0]:
        raise NodeError(f"The CSV has no column '{column}'", description=f"It has {', '.join(map(str, rows[0]))}")
    if column:
        return _numbered([row[column] or "" for row in rows], type_)
    return _numbered(["\n".join(f"{name}: {value or ''}" for name, value in row.items()) for row in rows], type_)


async def _pdf(context: ActivityContext, data: bytes, *, split: bool) -> list[Document]:
    read = await read_pdf(context, data, {"joinPages": False})
    pages = [text for text in read["text"] if text.strip()]
    about = {"version": read["version"], "info": read["info"], "metadata": None, "totalPages": read["numpages"]}
    if not split:
        return [_document("\n\n".join(pages), "application/pdf", pdf=about)] if pages else []
    return [_document(text, "application/pdf", pdf=about, loc={"pageNumber": n + 1}) for n, text in enumerate(pages)]


def _word(data: bytes) -> str:
    """Return the paragraphs of a Word file. Raise NodeError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            part = archive.getinfo("word/document.xml")
            if part.file_size > MAX_WORD_BYTES:
                raise NodeError(f"The text of this Word file is over {MAX_WORD_BYTES:,} bytes")
            body = archive.open(part).read(MAX_WORD_BYTES)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise NodeError("This is no Word file (.docx)", description=str(error)) from None
    pieces = (
        html.unescape(run[1]) if run[1] is not None else "\n\n" if run[0] == "</w:p>" else "\n"
        for run in WORD_TEXT.finditer(body.decode("utf-8", "replace"))
    )
    return "".join(pieces).strip()
