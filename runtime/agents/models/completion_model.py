"""Base of models that complete a text: a conversation goes out as one text, and what comes back is the answer."""

from runtime.agents.dialects.chat import ModelAnswer, Request
from runtime.agents.messages import text_of
from runtime.agents.models.chat_model import ChatModel
from runtime.contract import ActivityContext, NodeError

SPEAKERS = {"system": "System", "user": "Human", "assistant": "AI", "tool": "Tool"}


class CompletionModel(ChatModel):
    """Subclasses send one text."""

    differs = "Messages of a chain that stand before its prompt are part of the text; n8n leaves them out"

    async def complete(self, context: ActivityContext, prompt: str, request: Request) -> ModelAnswer:
        """Send one request and return its answer. Raise NodeApiError."""
        raise NotImplementedError

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """See `ChatModel`. Raise NodeError for tools, which such a model cannot call."""
        if request.tools:
            raise NodeError("This model cannot call tools", description="Connect a chat model to the agent")
        return await self.complete(context, one_text(request), request)


def one_text(request: Request) -> str:
    """Return a conversation as one text; a single message of the user is itself (LangChain)."""
    if len(request.messages) == 1 and request.messages[0]["role"] == "user":
        return text_of(request.messages[0])
    return "\n".join(f"{SPEAKERS[each['role']]}: {text_of(each)}" for each in request.messages)
