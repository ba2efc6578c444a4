"""Base of reducers that look something up: embed the question, search the store, rank anew. Each is one activity."""

from collections.abc import Sequence
from typing import Any, cast

from runtime.agents.retrieval.embeddings import Embeddings
from runtime.agents.retrieval.reranker import Reranker
from runtime.agents.retrieval.vector_store import Match, VectorStore
from runtime.agents.roots.root import CommandResult, Continue, Finish, ItemState, Root
from runtime.contract import Call, DurableContext, NodeError
from schemas.item import Json

NO_EMBEDDINGS = "An embeddings sub-node must be connected and enabled"


class Retrieving(Root):
    """Subclasses start with `retrieve` and go on in `found`."""

    def found(self, context: DurableContext, item_state: ItemState, matches: Sequence[Match]) -> Continue | Finish:
        """Return what is next, with the documents that were found, best first. Raise NodeError."""
        raise NotImplementedError

    def retrieve(
        self, context: DurableContext, item_state: ItemState, query: str, k: int, store: str | None = None
    ) -> Continue:
        """Look for the `k` documents that are nearest to a question, in a store sub-node or (None) in the node itself.

        Raise NodeError for parts that are missing.
        """
        item_state["lookup"] = {"query": query, "k": k, "store": store}
        name = embeddings_of(context, store, item_state["i"])
        payload = cast(Json, {"text": query, "node": context.name})
        return self.order(item_state, "embedded", Call("embed_query", payload, step=name, item=item_state["i"]))

    def after_embedded(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Search the store."""
        del context
        lookup, i = item_state["lookup"], item_state["i"]
        payload = {"vector": replies[0].get(), "k": lookup["k"]}
        return self.order(item_state, "searched", Call("search", payload, step=lookup["store"], item=i))

    def after_searched(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Rank anew where the store says so, else go on."""
        matches, i = replies[0].get(), item_state["i"]
        reranker = self._reranker(context, item_state["lookup"]["store"], i)
        if reranker is None or not matches:
            return self.found(context, item_state, matches)
        payload = cast(Json, {"query": item_state["lookup"]["query"], "matches": matches})
        return self.order(item_state, "ranked", Call("rerank", payload, step=reranker, item=i))

    def after_ranked(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Go on with the documents in their new order."""
        return self.found(context, item_state, replies[0].get())

    def _reranker(self, context: DurableContext, store: str | None, i: int) -> str | None:
        node = context.resolve(self, i) if store is None else context.subnode(store, i)[0]
        if not getattr(node, "use_reranker", False):
            return None
        for name in context.subnodes("ai_reranker", store):
            if isinstance(context.subnode(name, i)[0], Reranker):
                return name
        raise NodeError("A reranker sub-node must be connected and enabled", description="Or turn Rerank Results off")


def embeddings_of(context: DurableContext, store: str | None, i: int) -> str:
    """Return the name of a store's embeddings sub-node. Raise NodeError."""
    for name in context.subnodes("ai_embedding", store):
        if isinstance(context.subnode(name, i)[0], Embeddings):
            return name
        raise NodeError(f"'{name}' is not an embeddings model that tempor8 knows")
    raise NodeError(NO_EMBEDDINGS)


def store_of(context: DurableContext, i: int, of: str | None = None) -> str:
    """Return the name of the vector store sub-node that is connected. Raise NodeError."""
    for name in context.subnodes("ai_vectorStore", of):
        if isinstance(context.subnode(name, i)[0], VectorStore):
            return name
        raise NodeError(f"'{name}' is not a vector store that tempor8 knows")
    raise NodeError("A vector store sub-node must be connected and enabled")


def limit(value: Any, default: int = 4) -> int:
    """Return how many documents are looked for. Raise NodeError for what is no positive number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        number = int(float(value))
    except ValueError:
        raise NodeError(f"Limit '{value}' is not a number") from None
    if number < 1:
        raise NodeError("Limit must be 1 or more")
    return number
