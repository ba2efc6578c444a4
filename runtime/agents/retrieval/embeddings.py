"""Base of embeddings sub-nodes: texts become vectors, request by request, in one activity per batch of documents."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, cast

from runtime.agents.models.chat_model import model_id
from runtime.agents.retrieval.parts import texts_of
from runtime.agents.retrieval.references import refer
from runtime.contract import ActivityContext, SubNode
from schemas.item import Json


class Embedded(NamedTuple):
    """The answer to one request."""

    vectors: list[list[float]]
    tokens: Any = 0
    """What the vendor says that they took; 0 where it says nothing."""


class Embeddings(SubNode):
    """An embeddings model. Subclasses send one request for some texts."""

    connection = "ai_embedding"
    batch_size: ClassVar[int] = 512
    """Texts per request, where the node has no option for it."""
    strips: ClassVar[bool] = True
    """Whether line breaks become spaces, unless the node's option says otherwise."""

    async def vectors(self, context: ActivityContext, texts: Sequence[str]) -> Embedded:
        """Send one request and return a vector per text, in their order. Raise NodeApiError."""
        raise NotImplementedError

    async def vector(self, context: ActivityContext, text: str) -> Embedded:
        """Return the vector of a question. Raise NodeApiError."""
        return await self.vectors(context, [text])

    async def embed(self, context: ActivityContext, payload: Json) -> Json:
        """Return the vectors of the documents in `parts` (see `parts.texts_of`), by reference when they are long."""
        data = cast(dict[str, Any], payload)
        texts = [self._prepared(text) for text in await texts_of(context, data["parts"])]
        size = max(1, int(self._option("batchSize", self.batch_size)))
        vectors: list[list[float]] = []
        spent = 0
        for first in range(0, len(texts), size):
            ask = partial(self.vectors, context, texts[first : first + size])
            answer = await self._metered(context, data["node"], ask, spent)
            vectors += answer.vectors
            spent += count(answer.tokens)
        return await refer(context, vectors, "vectors")

    async def embed_query(self, context: ActivityContext, payload: Json) -> Json:
        """Return the vector of the question in `text`, by reference when it is long."""
        data = cast(dict[str, Any], payload)
        ask = partial(self.vector, context, self._prepared(data["text"]))
        answer = await self._metered(context, data["node"], ask)
        return await refer(context, answer.vectors[0], "vector")

    def _option(self, name: str, default: Any) -> Any:
        options = getattr(self, "options", None)
        value = options.get(name) if isinstance(options, dict) else None
        return default if value is None else value

    def _prepared(self, text: str) -> str:
        return text.replace("\n", " ") if self._option("stripNewLines", self.strips) else text

    async def _metered(
        self, context: ActivityContext, node: str, ask: Callable[[], Awaitable[Embedded]], spent: int = 0
    ) -> Embedded:
        """Return the answer to a request, unless a limit of models is reached; record its time, outcome and tokens."""
        from runtime.agents.models.metering import Used, metered  # noqa: PLC0415 - a clock and prices are for activities

        model = self.model_id.removeprefix("models/")
        return await metered(
            context, ask, lambda answer: Used(model, count(answer.tokens), 0), node=node, agent=node, model=model, spent=spent,
            credential=next(iter(self.credential_uses)).type,
        )  # fmt: skip

    @property
    def model_id(self) -> str:
        """The model that the node names."""
        return model_id(getattr(self, "model", None) or getattr(self, "model_name", None))


def count(tokens: Any) -> int:
    """Return a number of tokens; 0 for what a server says in place of one."""
    return int(tokens) if isinstance(tokens, int | float) and not isinstance(tokens, bool) else 0
