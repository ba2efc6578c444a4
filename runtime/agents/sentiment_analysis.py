"""Sentiment Analysis: sends each item to the output of its sentiment."""

from typing import Any

from runtime.agents.json_root import JsonRoot
from runtime.agents.root import Answer, Talk
from runtime.agents.wanted import Wanted
from runtime.contract import DurableContext, Dynamic, NodeError, param
from schemas.item import Item

DEFAULT = "Positive, Neutral, Negative"
INSTRUCTIONS = "Judge the sentiment of the text that the user gives. It is one of these: {categories}."
UNREADABLE = "Error during parsing of LLM output, please check your LLM model and configuration"


class SentimentAnalysis(JsonRoot):
    """One output per sentiment."""

    type = "@n8n/n8n-nodes-langchain.sentimentAnalysis"
    versions = (1, 1.1)

    input_text: Dynamic[Any] = param("", required=True)

    def outputs(self, version: float) -> int:
        """One per sentiment."""
        del version
        return len(self.sentiments())

    def sentiments(self) -> list[str]:
        """As written, without blanks around them."""
        given = (self.options or {}).get("categories") or DEFAULT
        return [each.strip() for each in str(given).split(",") if each.strip()]

    def question(self, context: DurableContext, talk: Talk) -> tuple[str, str, Wanted]:
        """The text; sentiment, strength and confidence."""
        here, options = self._at(context, talk), self.chosen(context, talk)
        names = self.sentiments()
        share = {"type": "number", "minimum": 0, "maximum": 1}
        properties: dict[str, Any] = {
            "sentiment": {"type": "string", "enum": names},
            "strength": share | {"description": "how strong the sentiment is"},
            "confidence": share | {"description": "how sure the judgement is"},
        }
        schema = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        template = options.get("systemPromptTemplate") or INSTRUCTIONS
        return template.replace("{categories}", ", ".join(names)), here.input_text, Wanted(schema)

    def misfit(self, read: Any) -> NodeError:
        """n8n's sentence for this node."""
        return NodeError(UNREADABLE, data={"problem": read["problem"]} if read.get("problem") else None)

    def answer(self, context: DurableContext, talk: Talk, value: Any) -> Answer:
        """The item with `sentimentAnalysis` beside its fields."""
        i, names = talk["i"], self.sentiments()
        found: dict[str, Any] = {"category": value["sentiment"]}
        if self.chosen(context, talk).get("includeDetailedResults"):
            found |= {"strength": value["strength"], "confidence": value["confidence"]}
        source = context.items[i]
        item: Item = {"json": source["json"] | {"sentimentAnalysis": found}, "pairedItem": {"item": i}}
        if "binary" in source:
            item["binary"] = source["binary"]
        return Answer([(names.index(value["sentiment"]), item)])
