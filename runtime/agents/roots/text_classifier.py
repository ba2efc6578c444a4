"""Text Classifier: sends each item to the output of its category."""

from collections.abc import Iterator
from typing import Any

from runtime.agents.parsers.output_schema import OutputSchema
from runtime.agents.roots.json_root import JsonRoot
from runtime.agents.roots.root import Finish, ItemState
from runtime.contract import DurableContext, Dynamic, NodeError, param
from schemas.item import Item

INSTRUCTIONS = "Classify the text that the user gives into these categories: {categories}. Do not explain."
ONE = "At most one category is true."
MANY = "Several categories may be true."
NONE = "If none fits well, all are false."
FALLBACK = 'If none fits, "fallback" is true.'


class TextClassifier(JsonRoot):
    """One output per category, and one more for the other items when the author chooses so."""

    type = "@n8n/n8n-nodes-langchain.textClassifier"
    versions = (1, 1.1)

    input_text: Dynamic[Any] = param("", required=True, label="Text to Classify")
    categories: Dynamic[dict[str, Any]] = param({})

    def outputs(self, version: float) -> int:
        """Return the number of categories, plus one for `Other` when it is on."""
        del version
        return len(self.rows()) + ((self.options or {}).get("fallback") == "other")

    def rows(self) -> list[dict[str, Any]]:
        """Return the categories, each with `category` and perhaps `description`."""
        return list((self.categories or {}).get("categories") or [])

    def question(self, context: DurableContext, item_state: ItemState) -> tuple[str, str, OutputSchema]:
        """Return system prompt, text, and a schema with one boolean per category."""
        here, options = self._at(context, item_state), self.item_options(context, item_state)
        if here.input_text in (None, ""):
            raise NodeError(f"Text to classify for item {item_state['i']} is not defined", item=item_state["i"])
        fallback = options.get("fallback") == "other"
        names = [row["category"] for row in here.rows()]
        if not names:
            raise NodeError("At least one category must be defined")
        template = self.template(options, INSTRUCTIONS)
        rules = f"{MANY if options.get('multiClass') else ONE} {FALLBACK if fallback else NONE}"
        prompt = f"{template.replace('{categories}', ', '.join(names))}\n{rules}"
        properties = dict(_booleans(here.rows(), fallback=fallback))
        schema = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return prompt, here.input_text, OutputSchema(schema)

    def answer(self, context: DurableContext, item_state: ItemState, value: Any) -> Finish:
        """Return the item on the output of every category that is true."""
        item = context.items[item_state["i"]]
        names = [row["category"] for row in self._at(context, item_state).rows()]
        outputs = [output for output, name in enumerate(names) if value.get(name)]
        if value.get("fallback") and self.item_options(context, item_state).get("fallback") == "other":
            outputs.append(len(names))
        return Finish([(output, _forwarded(item, item_state["i"])) for output in outputs])


def _booleans(rows: list[dict[str, Any]], *, fallback: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in rows:
        meaning = f": {row['description']}" if row.get("description") else ""
        yield (
            row["category"],
            {"type": "boolean", "description": f'true if the text is of the category "{row["category"]}"{meaning}'},
        )
    if fallback:
        yield "fallback", {"type": "boolean", "description": "true if no other category applies"}


def _forwarded(item: Item, i: int) -> Item:
    copy: Item = {"json": item["json"], "pairedItem": {"item": i}}
    if "binary" in item:
        copy["binary"] = item["binary"]
    return copy
