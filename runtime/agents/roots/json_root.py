"""Base of root nodes that send one prompt per item and expect JSON: extractor, classifier, sentiment."""

from collections.abc import Mapping
from typing import Any

from runtime.agents.messages import as_text, system, user
from runtime.agents.parsers.output_parser import unfit
from runtime.agents.parsers.output_schema import FIX, OutputSchema
from runtime.agents.roots.root import NO_MODEL, Batching, CommandResult, Continue, Finish, ItemState, Question, Root
from runtime.contract import DurableContext, Dynamic, NodeError, param


class JsonRoot(Root):
    """Subclasses define the prompt, the schema of the answer, and the output items."""

    options: Dynamic[dict[str, Any]] = param({})

    def question(self, context: DurableContext, item_state: ItemState) -> tuple[str, str, OutputSchema]:
        """Return system prompt, text and the schema of the answer. Raise NodeError."""
        raise NotImplementedError

    def answer(self, context: DurableContext, item_state: ItemState, value: Any) -> Finish:
        """Return the output items for an answer that fits the schema. Raise NodeError."""
        raise NotImplementedError

    def misfit(self, parsed: Any) -> Exception:
        """Return the error for an answer that does not fit; `parsed` is the ParsedAnswer."""
        return unfit(parsed)

    def repairs(self, context: DurableContext, item_state: ItemState) -> bool:
        """Return whether the model gets one attempt to repair its answer."""
        return bool(self.item_options(context, item_state).get("enableAutoFixing"))

    def item_options(self, context: DurableContext, item_state: ItemState) -> dict[str, Any]:
        """Return the options with their values for this item."""
        return dict(self._at(context, item_state).options or {})

    @staticmethod
    def template(options: Mapping[str, Any], default: str) -> str:
        """Return the system prompt that the options give, an empty one too; `default` where they give none."""
        given = options.get("systemPromptTemplate")
        return given if isinstance(given, str) else default

    def _at(self, context: DurableContext, item_state: ItemState) -> Any:
        return context.resolve(self, item_state["i"])

    def batching(self, context: DurableContext) -> Batching:
        """Return the batch size (default from version 1.1 on: 5, as in n8n) and the pause between batches in ms."""
        if context.version < 1.1 or not context.items:
            return Batching()
        options = (context.resolve(self, 0).options or {}).get("batching") or {}
        return Batching(int(options.get("batchSize") or 5), float(options.get("delayBetweenBatches") or 0))

    def ready(self, context: DurableContext) -> None:
        """Raise NodeError: no model."""
        if not context.subnodes("ai_languageModel"):
            raise NodeError(NO_MODEL)

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Ask the model."""
        instructions, text, output = self.question(context, item_state)
        prompt = f"{instructions}\n\n{output.instructions}"
        return self.ask(
            context, item_state, "model", Question([system(prompt), user(as_text(text))], schema=output.schema)
        )

    def after_model(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Return the output of an answer that fits; otherwise ask the model to repair it. Raise NodeError."""
        parsed = replies[0].get()["read"] or {}
        if "value" in parsed:
            return self.answer(context, item_state, parsed["value"])
        if not self.repairs(context, item_state):
            raise self.misfit(parsed)
        output = self.question(context, item_state)[2]
        prompt = FIX.format(
            instructions=output.instructions, completion=parsed.get("text", ""), error=parsed["problem"]
        )
        item_state["messages"] = []
        item_state.pop("earlier", None)
        return self.ask(context, item_state, "fix", Question([user(prompt)], schema=output.schema))

    def after_fix(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """Return the output of the repaired answer. Raise NodeError when it does not fit either."""
        parsed = replies[0].get()["read"] or {}
        if "value" not in parsed:
            raise self.misfit(parsed)
        return self.answer(context, item_state, parsed["value"])
