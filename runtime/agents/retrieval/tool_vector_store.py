"""Answer Questions with a Vector Store Tool: documents near a question, and an answer that a model makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from runtime.agents.messages import ToolSpec, joined_text, system, user
from runtime.agents.retrieval.retrieving import Retrieving, limit, store_of
from runtime.agents.retrieval.vector_store import Match
from runtime.agents.roots.root import CommandResult, Continue, Finish, ItemState, Question
from runtime.agents.tools.toolbox import function_name, one_text
from runtime.contract import DurableContext, Dynamic, param
from schemas.plan import Kind

ANSWERING = (
    "Use the following pieces of context to answer the users question. \nIf you don't know the answer, just say that you "
    "don't know, don't try to make up an answer.\n----------------\n"
)


class ToolVectorStore(Retrieving):
    """The store and the model are sub-nodes of the tool."""

    type = "@n8n/n8n-nodes-langchain.toolVectorStore"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1)
    kind: ClassVar[Kind] = Kind.SUBNODE
    connection: ClassVar[str] = "ai_tool"

    name: Dynamic[str] = param("", show={"@version": [1]})
    description: Dynamic[str] = param("")
    top_k: Dynamic[int] = param(4)

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return the tool with the description that n8n makes of its name and of what is in the store."""
        del raw
        tool_name = self.name if version < 1.1 and self.name else function_name(name)
        described = (
            f"Useful for when you need to answer questions about {tool_name}. Whenever you need information about "
            f"{self.description} you should ALWAYS use this. Input should be a fully formed question."
        )
        return {"name": tool_name, "description": described, "schema": one_text()}

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Look for documents near the question."""
        i, question = item_state["i"], str(context.arguments.get("input", ""))
        here = context.resolve(self, i)
        return self.retrieve(context, item_state, question, limit(here.top_k), store_of(context, i))

    def found(self, context: DurableContext, item_state: ItemState, matches: Sequence[Match]) -> Continue:
        """Ask the model with the documents."""
        texts = "\n\n".join(document["pageContent"] for document, _ in matches)
        question = Question([system(ANSWERING + texts), user(item_state["lookup"]["query"])])
        return self.ask(context, item_state, "model", question)

    def after_model(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """Return the model's answer."""
        del context, item_state
        return Finish([(0, {"json": {"response": joined_text(replies[0].get()["message"])}})])
