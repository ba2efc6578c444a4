"""Base of reranker sub-nodes: documents that were found, in a better order."""

from collections.abc import Sequence
from typing import Any, cast

from runtime.contract import ActivityContext, SubNode
from schemas.item import Json


class Reranker(SubNode):
    """A reranker. Subclasses ask their vendor."""

    connection = "ai_reranker"

    async def scores(self, context: ActivityContext, query: str, texts: Sequence[str]) -> list[tuple[int, float]]:
        """Return (index of the text, score), best first. Raise NodeApiError."""
        raise NotImplementedError

    async def rerank(self, context: ActivityContext, payload: Json) -> Json:
        """Return the documents of `payload` ({'query', 'matches'}) in their new order, with the new scores."""
        data = cast(dict[str, Any], payload)
        documents = [document for document, _ in data["matches"]]
        ranked = await self.scores(context, data["query"], [each["pageContent"] for each in documents])
        return [[documents[index], score] for index, score in ranked if 0 <= index < len(documents)]
