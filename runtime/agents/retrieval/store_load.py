"""A vector store in the main flow that is read: an item per document that was found."""

from collections.abc import Sequence

from runtime.agents.messages import as_text
from runtime.agents.retrieval.retrieving import Retrieving, limit
from runtime.agents.retrieval.vector_store import Match, VectorStore
from runtime.agents.roots.root import Continue, Finish, ItemState
from runtime.contract import DurableContext


class StoreLoad(VectorStore, Retrieving):
    """One look-up per item, by the prompt."""

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Look for documents near the prompt."""
        here = context.resolve(self, item_state["i"])
        return self.retrieve(context, item_state, as_text(here.prompt), limit(here.top_k))

    def found(self, context: DurableContext, item_state: ItemState, matches: Sequence[Match]) -> Finish:
        """Return `{document, score}` for each."""
        here, i = context.resolve(self, item_state["i"]), item_state["i"]
        names = ("pageContent", "metadata") if here.include_document_metadata else ("pageContent",)
        rows = [{"document": {name: each[name] for name in names}, "score": score} for each, score in matches]
        return Finish([(0, {"json": row, "pairedItem": {"item": i}}) for row in rows])
