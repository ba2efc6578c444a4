"""Documents on their way from a loader to a store: pieces of what several calls of a loader gave, as they are or stored."""

from collections.abc import Sequence
from typing import Any, TypedDict

from runtime.agents.retrieval.references import referred
from runtime.agents.retrieval.splitting import Document
from runtime.contract import ActivityContext


class Part(TypedDict):
    """The documents from `first` up to `end` (exclusive) of those in `documents`, which may be a reference."""

    documents: Any
    first: int
    end: int


async def documents_of(context: ActivityContext, parts: Sequence[Part]) -> list[Document]:
    """Return the documents of the parts, in their order."""
    found: list[Document] = []
    for part in parts:
        found += (await referred(context, part["documents"]))[part["first"] : part["end"]]
    return found


async def texts_of(context: ActivityContext, parts: Sequence[Part]) -> list[str]:
    """Return the texts of the documents."""
    return [each["pageContent"] for each in await documents_of(context, parts)]
