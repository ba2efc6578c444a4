"""How texts become chunks, as LangChain's text splitters do it. Pure; lengths are characters."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

PLAIN: Final = ("\n\n", "\n", " ", "")
CHARACTERS_PER_TOKEN: Final = 4
"""An estimate: no table of tokens is needed, and none is fetched at run time."""


class Document(TypedDict):
    """A text with what is known about it: the form in which LangChain and n8n show it."""

    pageContent: str
    metadata: dict[str, Any]


class Splitting(TypedDict):
    """How a splitter splits. `separators` of which the first is tried first; `keep`: a separator begins its chunk."""

    size: int
    overlap: int
    separators: list[str]
    keep: bool


def split_documents(documents: Sequence[Document], splitting: Splitting) -> list[Document]:
    """Return the chunks, each with its lines in `metadata.loc.lines`. Raise ValueError for an overlap above the size."""
    return [chunk for each in documents for chunk in _chunks(each, splitting)]


def _chunks(document: Document, splitting: Splitting) -> list[Document]:
    text, line, end, at = document["pageContent"], 1, 0, -1
    chunks: list[Document] = []
    for chunk in split_text(text, splitting):
        at = text.find(chunk, at + 1)
        line += text.count("\n", end, at) if end <= at else -text.count("\n", at, end)
        lines = {"from": line, "to": line + chunk.count("\n")}
        known = document["metadata"].get("loc")
        loc = {**(known if isinstance(known, Mapping) else {}), "lines": lines}
        chunks.append({"pageContent": chunk, "metadata": document["metadata"] | {"loc": loc}})
        line, end = lines["to"], at + len(chunk)
    return chunks


def split_text(text: str, splitting: Splitting) -> list[str]:
    """Return the chunks of a text. Raise ValueError for an overlap that is not smaller than the size."""
    if splitting["overlap"] >= splitting["size"]:
        raise ValueError("Cannot have chunkOverlap >= chunkSize")
    return _split(text, splitting["separators"], splitting)


def _split(text: str, separators: Sequence[str], splitting: Splitting) -> list[str]:
    """Split at the first separator that occurs; what is still too long is split at those after it."""
    found = next((n for n, each in enumerate(separators) if not each or each in text), len(separators) - 1)
    separator, finer = separators[found], separators[found + 1 :]
    between = "" if splitting["keep"] else separator
    chunks: list[str] = []
    short: list[str] = []
    for part in _parts(text, separator, keep=splitting["keep"]):
        if not finer or len(part) < splitting["size"]:
            short.append(part)
            continue
        chunks += _merged(short, between, splitting)
        short = []
        chunks += _split(part, finer, splitting)
    return chunks + _merged(short, between, splitting)


def _parts(text: str, separator: str, *, keep: bool) -> list[str]:
    if not separator:
        return list(text)
    first, *others = text.split(separator)
    parts = [first, *(separator + part for part in others)] if keep else [first, *others]
    return [part for part in parts if part]


def _merged(parts: Sequence[str], separator: str, splitting: Splitting) -> list[str]:
    """Join parts up to the size; each chunk begins with the last parts of the one before, as far as the overlap goes."""
    chunks: list[str] = []
    current: list[str] = []
    total = 0
    for part in parts:
        if current and total + len(part) + len(current) * len(separator) > splitting["size"]:
            chunks.append(separator.join(current).strip())
            first = 0
            while total > splitting["overlap"] or (
                total > 0 and total + len(part) + (len(current) - first) * len(separator) > splitting["size"]
            ):
                total -= len(current[first])
                first += 1
            current = current[first:]
        current.append(part)
        total += len(part)
    return [chunk for chunk in [*chunks, separator.join(current).strip()] if chunk]
