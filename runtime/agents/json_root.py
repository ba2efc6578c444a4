"""Root nodes that ask one question per item and want JSON back: extractor, classifier, sentiment."""

from typing import Any

from runtime.agents.messages import as_text, system, user
from runtime.agents.output_parser import unfit
from runtime.agents.root import Answer, Batching, Go, Question, Reply, Root, Talk
from runtime.agents.wanted import FIX, Wanted
from runtime.contract import DurableContext, Dynamic, param


class JsonRoot(Root):
    """Subclasses say what to ask, what JSON they want, and what becomes of it."""

    options: Dynamic[dict[str, Any]] = param({})

    def question(self, context: DurableContext, talk: Talk) -> tuple[str, str, Wanted]:
        """System prompt, text and the JSON wanted. Raises NodeError."""
        raise NotImplementedError

    def answer(self, context: DurableContext, talk: Talk, value: Any) -> Answer:
        """The items for JSON that fits. Raises NodeError."""
        raise NotImplementedError

    def misfit(self, read: Any) -> Exception:
        """The error for an answer that does not fit."""
        return unfit(read)

    def repairs(self, context: DurableContext, talk: Talk) -> bool:
        """Whether the model gets one try at repairing its answer."""
        return bool(self.chosen(context, talk).get("enableAutoFixing"))

    def chosen(self, context: DurableContext, talk: Talk) -> dict[str, Any]:
        """The options for this item."""
        return dict(self._at(context, talk).options or {})

    def _at(self, context: DurableContext, talk: Talk) -> Any:
        return context.resolve(self, talk["i"])

    def batching(self, context: DurableContext) -> Batching:
        """Five at once from version 1.1 on (n8n)."""
        if context.version < 1.1 or not context.items:
            return Batching()
        wanted = (context.resolve(self, 0).options or {}).get("batching") or {}
        return Batching(int(wanted.get("batchSize") or 5), float(wanted.get("delayBetweenBatches") or 0))

    def begin(self, context: DurableContext, talk: Talk) -> Go | Answer:
        """Ask."""
        instructions, text, wanted = self.question(context, talk)
        prompt = f"{instructions}\n\n{wanted.instructions}"
        return self.ask(context, talk, "model", Question([system(prompt), user(as_text(text))], schema=wanted.schema))

    def after_model(self, context: DurableContext, talk: Talk, replies: list[Reply]) -> Go | Answer:
        """JSON that fits is the answer; else the model may repair it."""
        read = replies[0].get()["read"] or {}
        if "value" in read:
            return self.answer(context, talk, read["value"])
        if not self.repairs(context, talk):
            raise self.misfit(read)
        wanted = self.question(context, talk)[2]
        prompt = FIX.format(instructions=wanted.instructions, completion=read.get("text", ""), error=read["problem"])
        talk["messages"] = []
        talk.pop("earlier", None)
        return self.ask(context, talk, "fix", Question([user(prompt)], schema=wanted.schema))

    def after_fix(self, context: DurableContext, talk: Talk, replies: list[Reply]) -> Answer:
        """One try."""
        read = replies[0].get()["read"] or {}
        if "value" not in read:
            raise self.misfit(read)
        return self.answer(context, talk, read["value"])
