"""Insertion into a vector store, and replacement of one document: load, embed, store. Each is one activity, one at a time."""

import copy
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, cast

from runtime.agents.retries import pause_before_retry
from runtime.agents.retrieval.document_default_data_loader import DocumentDefaultDataLoader
from runtime.agents.retrieval.json_texts import texts
from runtime.agents.retrieval.parts import Part
from runtime.agents.retrieval.retrieving import embeddings_of
from runtime.agents.retrieval.splitting import Document
from runtime.agents.retrieval.vector_store import VectorStore
from runtime.agents.roots.root import call_error
from runtime.contract import Call, Command, Done, Durable, DurableContext, Event, NodeError, error_item
from schemas.errors import LIMIT_REACHED
from schemas.item import Item, Json

State = dict[str, Any]
"""`stage`, the `call` that is open, `attempt`; `item`: the next to load; `loaded`: per item its documents and their
reference; `batch`: the next to store."""


class StoreInsert(VectorStore, Durable):
    """Documents of all items, in batches (version 1: a batch per item). The output has an item per document."""

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """See `Durable`."""
        kept: State = copy.deepcopy(cast(State, state)) or {"item": 0, "loaded": [], "batch": 0}
        try:
            return kept, [self._next(context, kept, event)]
        except NodeError as error:
            if not context.continue_on_fail or error.name == LIMIT_REACHED:
                raise
            return kept, [Done([[error_item(error, min(kept["item"], len(context.items) - 1))]])]

    def _next(self, context: DurableContext, kept: State, event: Event | None) -> Command:
        if event is None:
            return self._load(context, kept)
        if kept.pop("pausing", False):
            return Call(**kept["call"])
        if event.error is not None:
            if (pause := pause_before_retry(event.error, kept["attempt"])) is None:
                raise call_error(event.error)
            kept["attempt"] += 1
            kept["pausing"] = True
            return pause
        return cast(Command, getattr(self, f"_after_{kept['stage']}")(context, kept, event.value))

    def _order(self, kept: State, stage: str, call: Call) -> Call:
        kept |= {"stage": stage, "call": asdict(call), "attempt": 0}
        return call

    def _load(self, context: DurableContext, kept: State) -> Command:
        """Load the next item, or begin to store when all are loaded."""
        i = kept["item"]
        if i >= len(context.items):
            return self._embed(context, kept)
        for name in context.subnodes("ai_document"):
            loader, version = context.subnode(name, i)
            if not isinstance(loader, DocumentDefaultDataLoader):
                raise NodeError(f"'{name}' is not a document loader that tempor8 knows", item=i)
            splitting = loader.splitting(context, name, version, i)
            payload = cast(Json, {"item": context.items[i], "splitting": splitting})
            return self._order(kept, "load", Call("load", payload, step=name, item=i))
        raise NodeError("A document loader sub-node must be connected and enabled")

    def _after_load(self, context: DurableContext, kept: State, value: Any) -> Command:
        kept["loaded"].append(value)
        kept["item"] += 1
        return self._load(context, kept)

    def _batches(self, context: DurableContext, kept: State) -> list[list[Part]]:
        counts = [len(each["documents"]) for each in kept["loaded"]]
        whole = [
            {"documents": each["stored"] or each["documents"], "first": 0, "end": count}
            for each, count in zip(kept["loaded"], counts, strict=True)
        ]
        if context.version < 1.1:
            return [[cast(Part, part)] for part in whole if part["end"]]
        size = max(1, int(context.resolve(self, 0).embedding_batch_size or 1))
        return [list(_slice(whole, first, first + size)) for first in range(0, sum(counts), size)]

    def _embed(self, context: DurableContext, kept: State) -> Command:
        """Embed the next batch; Done when there is none."""
        batches = self._batches(context, kept)
        if kept["batch"] >= len(batches):
            return Done([list(self._items(kept["loaded"]))])
        kept["parts"] = batches[kept["batch"]]
        payload = cast(Json, {"parts": kept["parts"], "node": context.name})
        return self._order(kept, "embed", Call("embed", payload, step=embeddings_of(context, None, 0), item=0))

    def _after_embed(self, context: DurableContext, kept: State, value: Any) -> Command:
        id_ = f"{context.execution_id}/{context.name}/{context.run_index}/{kept['batch']}"
        payload = {"parts": kept.pop("parts"), "vectors": value, "id": id_, "first": kept["batch"] == 0}
        return self._order(kept, "store", Call("insert", cast(Json, payload), item=0))

    def _after_store(self, context: DurableContext, kept: State, value: Any) -> Command:
        del value
        kept["batch"] += 1
        return self._embed(context, kept)

    @staticmethod
    def _items(loaded: list[dict[str, Any]]) -> Iterator[Item]:
        for i, each in enumerate(loaded):
            for document in each["documents"]:
                json = {"metadata": document["metadata"], "pageContent": document["pageContent"]}
                yield {"json": json, "pairedItem": {"item": i}}


class StoreUpdate(StoreInsert):
    """One document per item, under the item's id; the text is the item's JSON."""

    def _load(self, context: DurableContext, kept: State) -> Command:
        if not self.updates:
            raise NodeError("Update operation is not implemented for this Vector Store")
        for item in context.items[kept["item"] :]:
            kept["loaded"].append({"documents": _texts(item), "stored": None})
        kept["item"] = len(context.items)
        return self._embed(context, kept)

    def _batches(self, context: DurableContext, kept: State) -> list[list[Part]]:
        del context
        return [[{"documents": each["documents"], "first": 0, "end": 1}] for each in kept["loaded"]]

    def _after_embed(self, context: DurableContext, kept: State, value: Any) -> Command:
        i = kept["batch"]
        payload = {
            "parts": kept.pop("parts"), "vectors": value, "id": "", "first": False,
            "ids": [str(context.resolve(self, i).id)],
        }  # fmt: skip
        return self._order(kept, "store", Call("insert", cast(Json, payload), item=i))


def _texts(item: Item) -> list[Document]:
    found = texts(item["json"])
    if len(found) != 1:
        raise NodeError("Single document per item expected", description=f"The JSON of the item has {len(found)} texts")
    return [{"pageContent": found[0], "metadata": {"source": "blob", "blobType": "application/json"}}]


def _slice(parts: list[dict[str, Any]], first: int, end: int) -> Iterator[Part]:
    """Yield the parts of the documents from `first` to `end`, counted over all parts."""
    begin = 0
    for part in parts:
        low, high = max(first, begin), min(end, begin + part["end"])
        if low < high:
            yield {"documents": part["documents"], "first": low - begin, "end": high - begin}
        begin += part["end"]
