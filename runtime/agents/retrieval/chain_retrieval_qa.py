"""Question and Answer Chain: an answer that a model makes of the documents near the question."""

from collections.abc import Sequence
from typing import Any, ClassVar

from runtime.agents.messages import as_text, joined_text, system, user
from runtime.agents.retrieval.retriever_vector_store import RetrieverVectorStore
from runtime.agents.retrieval.retrieving import Retrieving, limit, store_of
from runtime.agents.retrieval.vector_store import Match
from runtime.agents.roots.root import (
    NO_DEFINED_PROMPT_HINT,
    NO_MODEL,
    NO_PROMPT,
    NO_PROMPT_HINT,
    Batching,
    CommandResult,
    Continue,
    Finish,
    ItemState,
    Question,
    defined_prompt,
    input_prompt,
)
from runtime.contract import DurableContext, Dynamic, NodeError, param
from schemas.item import Item

CONTEXT = "{context}"
TEMPLATE = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer the "
    "question.\nIf you don't know the answer, just say that you don't know, don't try to make up an answer.\n"
    "----------------\nContext: {context}"
)
GUARDED: dict[str, list[Any]] = {"promptType": ["guardrails"], "@version": [{"_cnd": {"gte": 1.4}}]}
AUTO: dict[str, list[Any]] = {"promptType": ["auto"], "@version": [{"_cnd": {"gte": 1.4}}]}


class ChainRetrievalQa(Retrieving):
    """`{context}` in the system prompt stands for the documents."""

    type = "@n8n/n8n-nodes-langchain.chainRetrievalQa"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7)

    query_1: Dynamic[Any] = param("={{ $json.input }}", alias="query", show={"@version": [1]}, required=True)
    query_1_1: Dynamic[Any] = param("={{ $json.chat_input }}", alias="query", show={"@version": [1.1]}, required=True)
    query_1_2: Dynamic[Any] = param("={{ $json.chatInput }}", alias="query", show={"@version": [1.2]}, required=True)
    prompt_type: str = param("auto", hide={"@version": [{"_cnd": {"lte": 1.2}}]})
    text_guarded: Dynamic[Any] = param("={{ $json.guardrailsInput }}", alias="text", show=GUARDED)
    text_auto: Dynamic[Any] = param("={{ $json.chatInput }}", alias="text", show=AUTO)
    text_defined: Dynamic[Any] = param(
        "", alias="text", show={"promptType": ["define"]}, required=True, label="Prompt (User Message)"
    )
    options: Dynamic[dict[str, Any]] = param({})

    def batching(self, context: DurableContext) -> Batching:
        """Return the batch size (from version 1.6 on) and the pause between batches in ms."""
        if context.version < 1.6 or not context.items:
            return Batching()
        options = (context.resolve(self, 0).options or {}).get("batching") or {}
        return Batching(int(options.get("batchSize") or 5), float(options.get("delayBetweenBatches") or 0))

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Look for documents near the question."""
        i = item_state["i"]
        question = context.resolve(self, i).question(context.version, context.items[i])
        if question is None:
            defined = self.prompt_type == "define"
            raise NodeError(NO_PROMPT, description=NO_DEFINED_PROMPT_HINT if defined else NO_PROMPT_HINT)
        if not context.subnodes("ai_languageModel"):
            raise NodeError(NO_MODEL)
        if CONTEXT not in self._template(context, i):
            raise NodeError(
                'Prompt must include a "context" variable', description=f"Write {CONTEXT} where the documents go"
            )
        for name in context.subnodes("ai_retriever"):
            retriever, _ = context.subnode(name, i)
            if not isinstance(retriever, RetrieverVectorStore):
                raise NodeError(f"'{name}' is not a retriever that tempor8 knows")
            store = store_of(context, i, name)
            return self.retrieve(context, item_state, as_text(question), limit(retriever.top_k), store)
        raise NodeError("A retriever sub-node must be connected and enabled")

    def question(self, version: float, item: Item) -> Any:
        """Return the question, whose parameter differs between versions; None when there is none."""
        if version <= 1.2:
            return {1: self.query_1, 1.1: self.query_1_1, 1.2: self.query_1_2}[version]
        return (
            defined_prompt(self, "text_defined")
            if self.prompt_type == "define"
            else input_prompt(self.prompt_type, item)
        )

    def found(self, context: DurableContext, item_state: ItemState, matches: Sequence[Match]) -> Continue:
        """Ask the model with the documents."""
        texts = "\n\n".join(document["pageContent"] for document, _ in matches)
        prompt = self._template(context, item_state["i"]).replace(CONTEXT, texts)
        question = Question([system(prompt), user(item_state["lookup"]["query"])])
        return self.ask(context, item_state, "model", question)

    def _template(self, context: DurableContext, i: int) -> str:
        return as_text((context.resolve(self, i).options or {}).get("systemPromptTemplate") or TEMPLATE)

    def after_model(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """Return the answer as `response`; before 1.5 one level further down."""
        del item_state
        text = joined_text(replies[0].get()["message"])
        return Finish([(0, {"json": {"response": text if context.version >= 1.5 else {"text": text}}})])
