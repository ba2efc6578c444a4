"""Summarization Chain: a summary of an item, of a file, or of what a document loader gives."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, cast

from runtime.agents.messages import as_text, joined_text, user
from runtime.agents.retrieval.document_default_data_loader import DocumentDefaultDataLoader
from runtime.agents.retrieval.splitting import PLAIN, Splitting
from runtime.agents.retrieval.text_splitter import TextSplitter, characters
from runtime.agents.roots.root import Batching, CommandResult, Continue, Finish, ItemState, Question, Root
from runtime.contract import ActivityContext, Call, DurableContext, Dynamic, NodeError, param
from schemas.item import Json

SUMMARY: Final = 'Write a concise summary of the following:\n\n\n"{text}"\n\n\nCONCISE SUMMARY:'
REFINE: Final = (
    "Your job is to produce a final summary\n"
    'We have provided an existing summary up to a certain point: "{existing_answer}"\n'
    "We have the opportunity to refine the existing summary\n(only if needed) with some more context below.\n"
    '------------\n"{text}"\n------------\n\nGiven the new context, refine the original summary\n'
    "If the context isn't useful, return the original summary.\n\nREFINED SUMMARY:"
)
MAX_TOKENS: Final = 2_000
"""Up to this size, estimated, documents are summed up together instead of one by one (LangChain's `maxTokens`)."""
INPUT = {"operationMode": ["nodeInputJson", "nodeInputBinary"]}
SIMPLE = {"operationMode": ["nodeInputJson", "nodeInputBinary"], "chunkingMode": ["simple"]}


class ChainSummarization(Root):
    """Documents are loaded in one activity; each request to the model is another."""

    type = "@n8n/n8n-nodes-langchain.chainSummarization"
    versions: ClassVar[tuple[float, ...]] = (2, 2.1)
    differs = "How many tokens documents have together, which decides whether they are summed up at once, is estimated"

    operation_mode: str = param("nodeInputJson")
    chunking_mode: str = param("simple", show=INPUT)
    chunk_size: Dynamic[int] = param(1000, show=SIMPLE)
    chunk_overlap: Dynamic[int] = param(200, show=SIMPLE)
    options: Dynamic[dict[str, Any]] = param({})

    def batching(self, context: DurableContext) -> Batching:
        """Return the batch size (from version 2.1 on) and the pause between batches in ms."""
        if context.version < 2.1 or not context.items:
            return Batching()
        options = (context.resolve(self, 0).options or {}).get("batching") or {}
        return Batching(int(options.get("batchSize") or 5), float(options.get("delayBetweenBatches") or 0))

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Load the documents."""
        i = item_state["i"]
        here = context.resolve(self, i)
        payload: dict[str, Any] = {"item": context.items[i], "splitting": here.splitting(context, i)}
        if here.operation_mode != "documentLoader":
            return self.order(item_state, "loaded", Call("load", cast(Json, payload), item=i))
        for name in context.subnodes("ai_document"):
            loader, version = context.subnode(name, i)
            if not isinstance(loader, DocumentDefaultDataLoader):
                raise NodeError(f"'{name}' is not a document loader that tempor8 knows")
            payload["splitting"] = loader.splitting(context, name, version, i)
            return self.order(item_state, "loaded", Call("load", cast(Json, payload), step=name, item=i))
        raise NodeError("A document loader sub-node must be connected and enabled")

    def splitting(self, context: DurableContext, i: int) -> Splitting | None:
        """Return how the node's own input is split. Raise NodeError."""
        if self.operation_mode == "documentLoader":
            return None
        if self.chunking_mode != "advanced":
            size, overlap = characters(self.chunk_size, self.chunk_overlap)
            return {"size": size, "overlap": overlap, "separators": list(PLAIN), "keep": True}
        for name in context.subnodes("ai_textSplitter"):
            splitter, _ = context.subnode(name, i)
            if not isinstance(splitter, TextSplitter):
                raise NodeError(f"'{name}' is not a text splitter that tempor8 knows")
            return splitter.splitting()
        raise NodeError("A text splitter sub-node must be connected and enabled")

    async def load(self, context: ActivityContext, payload: Json) -> Json:
        """Return {'documents'}: the chunks of the item in `payload`, its JSON or its files (all of them, n8n). Raise NodeError."""
        parameters = {"dataType": "binary"} if self.operation_mode == "nodeInputBinary" else {}
        return await DocumentDefaultDataLoader.bind(parameters, 1).load(context, payload)

    def _method(self, context: DurableContext, item_state: ItemState) -> dict[str, Any]:
        """Return the method and its prompts, with their defaults."""
        given = context.resolve(self, item_state["i"]).given_method()
        defaults = {
            "summarizationMethod": "map_reduce", "prompt": SUMMARY, "combineMapPrompt": SUMMARY,
            "refinePrompt": REFINE, "refineQuestionPrompt": SUMMARY,
        }  # fmt: skip
        return defaults | {name: value for name, value in given.items() if value}

    def given_method(self) -> Mapping[str, Any]:
        """Return what the node says of the method and its prompts."""
        return ((self.options or {}).get("summarizationMethodAndPrompts") or {}).get("values") or {}

    def after_loaded(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Begin with the first request."""
        texts = [document["pageContent"] for document in replies[0].get()["documents"]]
        method = self._method(context, item_state)
        if method["summarizationMethod"] == "refine":
            item_state["texts"] = texts[1:]
            first = texts[0] if texts else ""
            return self._ask(context, item_state, "refined", method["refineQuestionPrompt"], text=first)
        if method["summarizationMethod"] == "stuff":
            return self._ask(context, item_state, "summed", method["prompt"], text="\n\n".join(texts))
        return self._reduce(context, item_state, texts, mapped=False)

    def _reduce(
        self, context: DurableContext, item_state: ItemState, texts: Sequence[str], *, mapped: bool
    ) -> Continue:
        """Sum up all texts at once when they are short enough or were mapped already, else the first of them alone."""
        prompt = self._method(context, item_state)
        if mapped or len(texts) < 2 or sum(map(len, texts)) <= 4 * MAX_TOKENS:
            return self._ask(context, item_state, "summed", prompt["prompt"], text="\n\n".join(texts))
        item_state |= {"texts": list(texts[1:]), "summaries": []}
        return self._ask(context, item_state, "mapped", prompt["combineMapPrompt"], text=texts[0])

    def after_mapped(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Sum up the next text, and at the end the summaries."""
        item_state["summaries"].append(_said(replies))
        if not item_state["texts"]:
            return self._reduce(context, item_state, item_state["summaries"], mapped=True)
        prompt = self._method(context, item_state)["combineMapPrompt"]
        return self._ask(context, item_state, "mapped", prompt, text=item_state["texts"].pop(0))

    def after_refined(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Refine the summary by the next text."""
        said = _said(replies)
        if not item_state["texts"]:
            return self._answer(context, item_state, "output_text", said)
        prompt, text = self._method(context, item_state)["refinePrompt"], item_state["texts"].pop(0)
        return self._ask(context, item_state, "refined", prompt, text=text, existing_answer=said)

    def after_summed(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """Return the summary."""
        return self._answer(context, item_state, "text", _said(replies))

    def _ask(self, context: DurableContext, item_state: ItemState, stage: str, prompt: Any, **values: str) -> Continue:
        text = as_text(prompt)
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        item_state["messages"] = []
        item_state.pop("earlier", None)
        return self.ask(context, item_state, stage, Question([user(text)]))

    def _answer(self, context: DurableContext, item_state: ItemState, member: str, text: str) -> Finish:
        del item_state
        field = "output" if self.batching(context).size > 1 else "response"  # n8n
        return Finish([(0, {"json": {field: {member: text}}})])


class ChainSummarizationV1(ChainSummarization):
    """Version 1: the documents are those of a loader, and the prompts are options."""

    versions = (1,)

    method: str = param("map_reduce", alias="type")
    operation_mode: str = param("documentLoader", hide={"@version": [1]})

    def given_method(self) -> Mapping[str, Any]:
        """Return what the node says of the method and its prompts."""
        return {**(self.options or {}), "summarizationMethod": self.method}


def _said(replies: Sequence[CommandResult]) -> str:
    return joined_text(replies[0].get()["message"])
