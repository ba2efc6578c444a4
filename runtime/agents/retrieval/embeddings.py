"""Base of embeddings sub-nodes: texts become vectors, request by request, in one activity per batch of documents."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from runtime.agents.models.chat_model import model_id
from runtime.agents.retrieval.parts import texts_of
from runtime.agents.retrieval.references import refer
from runtime.contract import ActivityContext, SubNode
from schemas.item import Json


class Embeddings(SubNode):
    """An embeddings model. Subclasses send one request for some texts."""

    connection = "ai_embedding"
    batch_size: ClassVar[int] = 512
    """Texts per request, where the node has no option for it."""
    strips: ClassVar[bool] = True
    """Whether line breaks become spaces, unless the node's option says otherwise."""

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> list[list[float]]:
        """Send one request and return a vector per text, in their order. Raise NodeApiError."""
        raise NotImplementedError

    async def vector(self, context: ActivityContext, text: str) -> list[float]:
        """Return the vector of a question. Raise NodeApiError."""
        return (await self.vectors(context, [text]))[0]

    async def embed(self, context: ActivityContext, payload: Json) -> Json:
        """Return the vectors of the documents in `parts` (see `parts.texts_of`), by reference when they are long."""
        data = cast(dict[str, Any], payload)
        texts = [self._prepared(text) for text in await texts_of(context, data["parts"])]
        size = max(1, int(self._option("batchSize", self.batch_size)))
        vectors: list[list[float]] = []
        for first in range(0, len(texts), size):
            vectors += await self._recorded(context, data["node"], self.vectors(context, texts[first : first + size]))
        return await refer(context, vectors, "vectors")

    async def embed_query(self, context: ActivityContext, payload: Json) -> Json:
        """Return the vector of the question in `text`, by reference when it is long."""
        data = cast(dict[str, Any], payload)
        vector = await self._recorded(context, data["node"], self.vector(context, self._prepared(data["text"])))
        return await refer(context, vector, "vector")

    def _option(self, name: str, default: Any) -> Any:
        options = getattr(self, "options", None)
        value = options.get(name) if isinstance(options, dict) else None
        return default if value is None else value

    def _prepared(self, text: str) -> str:
        return text.replace("\n", " ") if self._option("stripNewLines", self.strips) else text

    async def _recorded(self, context: ActivityContext, node: str, work: Any) -> Any:
        """Return the result of a request, whose time and outcome are recorded."""
        import time  # noqa: PLC0415 - a clock is for activities; sub-nodes are also read in workflow code

        started, began, status = time.perf_counter(), time.time(), "error"
        try:
            result = await work
            status = "success"
            return result
        finally:
            context.usage.append(
                {
                    "agent": node, "node": node, "model": self.model_id, "requests": 1, "input_tokens": 0,
                    "output_tokens": 0, "duration_ms": round((time.perf_counter() - started) * 1000), "status": status,
                    "started": round(began * 1000),
                }
            )  # fmt: skip

    @property
    def model_id(self) -> str:
        """The model that the node names."""
        return model_id(getattr(self, "model", None) or getattr(self, "model_name", None))
