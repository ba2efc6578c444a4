"""Token Splitter: chunks of so many tokens, which are estimated."""

from runtime.agents.retrieval.splitting import CHARACTERS_PER_TOKEN, Splitting
from runtime.agents.retrieval.text_splitter import TextSplitter, characters
from runtime.contract import Dynamic, param


class TextSplitterTokenSplitter(TextSplitter):
    """Cuts anywhere, words included, as n8n's does."""

    type = "@n8n/n8n-nodes-langchain.textSplitterTokenSplitter"
    versions = (1,)
    differs = f"A token is taken to be {CHARACTERS_PER_TOKEN} characters, so chunks begin at other places than in n8n"

    chunk_size: Dynamic[int] = param(1000)
    chunk_overlap: Dynamic[int] = param(0)

    def splitting(self) -> Splitting:
        """See `TextSplitter`."""
        size, overlap = characters(self.chunk_size, self.chunk_overlap)
        tokens = CHARACTERS_PER_TOKEN
        return {"size": size * tokens, "overlap": overlap * tokens, "separators": [""], "keep": False}
