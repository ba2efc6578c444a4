"""Default Data Loader: an item's JSON, a text or its files as documents, split into chunks."""

from collections.abc import Mapping
from typing import Any, Final, cast

from runtime.agents.retrieval.references import STORED, refer
from runtime.agents.retrieval.splitting import PLAIN, Document, Splitting
from runtime.agents.retrieval.text_splitter import TextSplitter
from runtime.contract import ActivityContext, DurableContext, Dynamic, NodeError, SubNode, param
from runtime.values.javascript import js_string
from schemas.item import Item, Json

SIMPLE: Final[Splitting] = {"size": 1000, "overlap": 200, "separators": list(PLAIN), "keep": True}
BINARY = {"dataType": ["binary"]}


class DocumentDefaultDataLoader(SubNode):
    """One call per item: what it gives is split in the same activity."""

    type = "@n8n/n8n-nodes-langchain.documentDefaultDataLoader"
    versions = (1, 1.1)
    connection = "ai_document"

    data_type: str = param("json")
    json_mode: str = param("allInputData", show={"dataType": ["json"]})
    json_data: Dynamic[Any] = param(
        "", show={"dataType": ["json"], "jsonMode": ["expressionData"]}, required=True, label="Data"
    )
    binary_mode: str = param("allInputData", show=BINARY)
    binary_data_key: Dynamic[str] = param(
        "data", show=BINARY, hide={"binaryMode": ["allInputData"]}, required=True, label="Input Data Field Name"
    )
    loader: str = param("auto", show=BINARY)
    text_splitting_mode: str = param("simple", show={"@version": [1.1]})
    options: Dynamic[dict[str, Any]] = param({})

    def splitting(self, context: DurableContext, name: str, version: float, i: int) -> Splitting | None:
        """Return how the documents are split; None: they stay whole. `name` is the loader's. Raise NodeError."""
        if version >= 1.1 and self.text_splitting_mode == "simple":
            return SIMPLE
        for splitter in context.subnodes("ai_textSplitter", name):
            node, _ = context.subnode(splitter, i)
            if not isinstance(node, TextSplitter):
                raise NodeError(f"'{splitter}' is not a text splitter that tempor8 knows")
            return node.splitting()
        return None

    async def load(self, context: ActivityContext, payload: Json) -> Json:
        """Return {'documents', 'stored'}: the chunks of the item in `payload`, and a reference to them when they are many.

        `payload`: {'item', 'splitting'}. Raise NodeError.
        """
        data = cast(dict[str, Any], payload)
        from runtime.agents.retrieval import file_documents as files  # noqa: PLC0415 - file formats are for activities

        documents = await self._documents(context, data["item"])
        if data["splitting"] is not None:
            documents = await files.split(context, documents, data["splitting"])
        added = self._metadata()
        chunks = [{"pageContent": each["pageContent"], "metadata": each["metadata"] | added} for each in documents]
        referred = await refer(context, chunks, "documents")
        stored = referred if isinstance(referred, dict) and STORED in referred else None
        return cast(Json, {"documents": chunks, "stored": stored})

    async def _documents(self, context: ActivityContext, item: Item) -> list[Document]:
        from runtime.agents.retrieval import file_documents as files  # noqa: PLC0415 - file formats are for activities

        if self.data_type == "binary":
            return await files.of_binary(context, item, self._keys(item), self.loader, self.options or {})
        value = self.json_data if self.json_mode == "expressionData" else item["json"]
        if isinstance(value, str):
            return [{"pageContent": value, "metadata": {"source": "blob", "blobType": "text/plain"}}]
        if isinstance(value, dict | list):
            return await files.of_json(context, value, self._option("pointers"))
        raise NodeError("Document loader is not initialized", description="The data is neither a text nor an object")

    def _keys(self, item: Item) -> list[str]:
        if self.binary_mode == "specificField":
            return [js_string(self.binary_data_key)]
        return list(item.get("binary") or {})

    def _metadata(self) -> dict[str, Any]:
        rows = (self._option("metadata") or {}).get("metadataValues") or []
        return {js_string(row.get("name", "")): row.get("value", "") for row in rows if isinstance(row, Mapping)}

    def _option(self, name: str) -> Any:
        return (self.options or {}).get(name)
