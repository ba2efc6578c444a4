"""Character Text Splitter: at one separator only."""

from runtime.agents.retrieval.splitting import Splitting
from runtime.agents.retrieval.text_splitter import TextSplitter, characters
from runtime.contract import Dynamic, param
from runtime.values.javascript import js_string


class TextSplitterCharacterTextSplitter(TextSplitter):
    """A part that is longer than a chunk stays whole."""

    type = "@n8n/n8n-nodes-langchain.textSplitterCharacterTextSplitter"
    versions = (1,)

    separator: Dynamic[str] = param("")
    chunk_size: Dynamic[int] = param(1000)
    chunk_overlap: Dynamic[int] = param(0)

    def splitting(self) -> Splitting:
        """See `TextSplitter`."""
        size, overlap = characters(self.chunk_size, self.chunk_overlap)
        return {"size": size, "overlap": overlap, "separators": [js_string(self.separator)], "keep": False}
