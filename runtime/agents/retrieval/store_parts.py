"""A vector store as a sub-node: the store of a retriever, and a tool of an agent."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from runtime.agents.messages import ToolSpec, dumps
from runtime.agents.retrieval.retrieving import Retrieving, limit
from runtime.agents.retrieval.vector_store import Match, VectorStore
from runtime.agents.roots.root import Continue, Finish, ItemState
from runtime.agents.tools.toolbox import function_name
from runtime.contract import DurableContext, SubNode
from schemas.plan import Kind

QUESTION: dict[str, Any] = {"type": "string", "description": "Query to search for. Required"}


class StoreSubNode(VectorStore, SubNode):
    """The store itself: whoever it serves calls its `search`."""

    connection: ClassVar[str] = "ai_vectorStore"


class StoreTool(VectorStore, Retrieving):
    """A tool whose answer is the documents near a question."""

    kind: ClassVar[Kind] = Kind.SUBNODE
    connection: ClassVar[str] = "ai_tool"

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return the tool; from 1.3 on the node's name is its name."""
        del raw
        tool_name = function_name(name) if version > 1.2 or not self.tool_name else self.tool_name
        schema = {
            "type": "object",
            "properties": {"input": QUESTION},
            "required": ["input"],
            "additionalProperties": False,
        }
        return {"name": tool_name, "description": self.tool_description, "schema": schema}

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Look for documents near the model's question."""
        here = context.resolve(self, item_state["i"])
        return self.retrieve(context, item_state, str(context.arguments.get("input", "")), limit(here.top_k))

    def found(self, context: DurableContext, item_state: ItemState, matches: Sequence[Match]) -> Finish:
        """Return the documents as a list of texts, each the JSON of a document. Version 3 of the agent reads the list itself (n8n)."""
        here = context.resolve(self, item_state["i"])
        names = ("pageContent", "metadata", "id") if here.include_document_metadata else ("pageContent",)
        documents = [{name: each[name] for name in names if name in each} for each, _ in matches]
        texts = [{"type": "text", "text": dumps(each)} for each in documents]
        return Finish([(0, {"json": {"response": texts}})])
