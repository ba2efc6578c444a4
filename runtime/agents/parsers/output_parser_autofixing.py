"""Auto-fixing Output Parser: gives a second model one attempt to repair an answer that another parser refuses."""

from typing import Any

from runtime.contract import Dynamic, SubNode, param


class OutputParserAutofixing(SubNode):
    """Wraps the parser that is connected to it."""

    type = "@n8n/n8n-nodes-langchain.outputParserAutofixing"
    versions = (1,)
    connection = "ai_outputParser"
    differs = "What a model repairs that is asked by OpenAI's Responses API counts; n8n reads none of its answers"

    options: Dynamic[dict[str, Any]] = param({})
