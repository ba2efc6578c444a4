"""Sentiment Analysis: sends each item to the output of its sentiment."""

from typing import Any

from runtime.agents.parsers.output_schema import OutputSchema
from runtime.agents.roots.json_root import JsonRoot
from runtime.agents.roots.root import Finish, ItemState
from runtime.contract import DurableContext, Dynamic, NodeError, param
from schemas.item import Item

DEFAULT = "Positive, Neutral, Negative"
INSTRUCTIONS = "Judge the sentiment of the text that the user gives. It is one of these: {categories}."
UNREADABLE = "Error during parsing of LLM output, please check your LLM model and configuration"


class SentimentAnalysis(JsonRoot):
    """One output per sentiment."""

    type = "@n8n/n8n-nodes-langchain.sentimentAnalysis"
    versions = (1, 1.1)

    input_text: Dynamic[Any] = param("", required=True, label="Text to Analyze")

    def outputs(self, version: float) -> int:
        """Return the number of sentiments: each has an output. An empty one counts, so that errors go where they go in n8n, and
        nothing else goes there.
        """
        del version
        return len(str((self.options or {}).get("categories") or DEFAULT).split(","))

    def sentiments(self) -> list[str]:
        """Return the sentiments as written, without surrounding spaces."""
        categories = (self.options or {}).get("categories") or DEFAULT
        return [each.strip() for each in str(categories).split(",") if each.strip()]

    def question(self, context: DurableContext, item_state: ItemState) -> tuple[str, str, OutputSchema]:
        """Return system prompt, text, and a schema of sentiment, strength and confidence."""
        here, options = self._at(context, item_state), self.item_options(context, item_state)
        if here.input_text is None:  # n8n fails too, in the words of its library
            raise NodeError(f"Text to analyze for item {item_state['i']} is not defined", item=item_state["i"])
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
        template = self.template(options, INSTRUCTIONS)
        return (
            template.replace("{categories}", str((here.options or {}).get("categories") or DEFAULT)),
            here.input_text,
            OutputSchema(schema),
        )

    def misfit(self, parsed: Any) -> NodeError:
        """Return n8n's error of this node."""
        return NodeError(UNREADABLE, data={"problem": parsed["problem"]} if parsed.get("problem") else None)

    def answer(self, context: DurableContext, item_state: ItemState, value: Any) -> Finish:
        """Return the item with a field `sentimentAnalysis`, on the output of its sentiment."""
        i, names = item_state["i"], self.sentiments()
        analysis: dict[str, Any] = {"category": value["sentiment"]}
        if self.item_options(context, item_state).get("includeDetailedResults"):
            analysis |= {"strength": value["strength"], "confidence": value["confidence"]}
        source = context.items[i]
        item: Item = {"json": source["json"] | {"sentimentAnalysis": analysis}, "pairedItem": {"item": i}}
        if "binary" in source:
            item["binary"] = source["binary"]
        return Finish([(names.index(value["sentiment"]), item)])
