"""Recursive Character Text Splitter: paragraphs, then lines, then words, as far as a chunk has room."""

from typing import Any

from runtime.agents.retrieval.separators import SEPARATORS
from runtime.agents.retrieval.splitting import PLAIN, Splitting
from runtime.agents.retrieval.text_splitter import TextSplitter, characters
from runtime.contract import Dynamic, NodeError, param


class TextSplitterRecursiveCharacterTextSplitter(TextSplitter):
    """With `splitCode` the places of that language come first, and what marks them is dropped (n8n)."""

    type = "@n8n/n8n-nodes-langchain.textSplitterRecursiveCharacterTextSplitter"
    versions = (1,)

    chunk_size: Dynamic[int] = param(1000)
    chunk_overlap: Dynamic[int] = param(0)
    options: Dynamic[dict[str, Any]] = param({})

    def splitting(self) -> Splitting:
        """See `TextSplitter`."""
        size, overlap = characters(self.chunk_size, self.chunk_overlap)
        language = (self.options or {}).get("splitCode")
        if language and language not in SEPARATORS:
            raise NodeError(f"The text splitter does not know the language '{language}'")
        separators = SEPARATORS[language] if language else PLAIN
        return {"size": size, "overlap": overlap, "separators": list(separators), "keep": False}
