"""Basic LLM Chain: a prompt, maybe with messages before it, and the answer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from runtime.agents.messages import Message, as_text, assistant, dumps, joined_text, system, user
from runtime.agents.parsers import output_parser
from runtime.agents.parsers.output_parser import Parser, fixed_in_parts, unfit
from runtime.agents.roots.root import (
    NO_DEFINED_PROMPT_HINT,
    NO_MODEL,
    NO_PROMPT,
    NO_PROMPT_HINT,
    Batching,
    CommandResult,
    Continue,
    Finish,
    ItemState,
    Question,
    Root,
    defined_prompt,
    input_prompt,
)
from runtime.contract import DurableContext, Dynamic, NodeError, param
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import Item

ROLES = {
    "SystemMessagePromptTemplate": system,
    "HumanMessagePromptTemplate": user,
    "AIMessagePromptTemplate": assistant,
}
CHAT = "={{ $json.chatInput }}"
OLD = [1, 1.1, 1.3]


class ChainLlm(Root):
    """No tools and no memory."""

    type = "@n8n/n8n-nodes-langchain.chainLlm"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9)

    prompt_1: Dynamic[Any] = param("={{ $json.input }}", alias="prompt", show={"@version": [1]})
    prompt_1_1: Dynamic[Any] = param("={{ $json.chat_input }}", alias="prompt", show={"@version": [1.1, 1.2]})
    prompt_1_3: Dynamic[Any] = param(CHAT, alias="prompt", show={"@version": [1.3]})
    prompt_type: str = param("auto", hide={"@version": [{"_cnd": {"lte": 1.3}}]})
    text_guarded: Dynamic[Any] = param(
        "={{ $json.guardrailsInput }}",
        alias="text",
        show={"promptType": ["guardrails"], "@version": [{"_cnd": {"gte": 1.5}}]},
    )
    text_auto: Dynamic[Any] = param(
        CHAT, alias="text", show={"promptType": ["auto"], "@version": [{"_cnd": {"gte": 1.5}}]}
    )
    text_defined: Dynamic[Any] = param(
        "", alias="text", show={"promptType": ["define"]}, required=True, label="Prompt (User Message)"
    )
    has_output_parser: bool = param(False, hide={"@version": OLD})
    needs_fallback: bool = param(False, hide={"@version": OLD})
    messages: Dynamic[dict[str, Any]] = param({})
    batching_options: Dynamic[dict[str, Any]] = param({}, alias="batching", show={"@version": [{"_cnd": {"gte": 1.7}}]})

    def batching(self, context: DurableContext) -> Batching:
        """Return the batch size (default from version 1.7 on: 5, as in n8n) and the pause between batches in ms."""
        if context.version < 1.7:
            return Batching()
        options = self.batching_options or {}
        return Batching(int(options.get("batchSize") or 5), float(options.get("delayBetweenBatches") or 0))

    def prompt(self, version: float, item: Item) -> Any:
        """Return the value of the prompt, whose parameter differs between versions; None when there is none."""
        if version <= 1.3:
            return self.prompt_1 if version == 1 else self.prompt_1_3 if version == 1.3 else self.prompt_1_1
        return (
            defined_prompt(self, "text_defined")
            if self.prompt_type == "define"
            else input_prompt(self.prompt_type, item)
        )

    def _parser(self, context: DurableContext, item_state: ItemState) -> Parser | None:
        parses = context.version in OLD or self.has_output_parser
        return output_parser.connected(context, item_state["i"]) if parses else None

    def ready(self, context: DurableContext) -> None:
        """Raise NodeError: a parser that is not valid."""
        self._parser(context, {"i": 0})

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Ask the model with the messages, then the prompt; the parser's instructions end the prompt (n8n)."""
        if not context.subnodes("ai_languageModel"):
            raise NodeError(NO_MODEL)
        i = item_state["i"]
        here, item = context.resolve(self, i), context.items[i]
        prompt = here.prompt(context.version, item)
        if prompt is None:
            defined = getattr(self, "prompt_type", "") == "define"
            raise NodeError(NO_PROMPT, description=NO_DEFINED_PROMPT_HINT if defined else NO_PROMPT_HINT)
        parser = self._parser(context, item_state)
        text = as_text(prompt) + (f"\n{parser.instructions}" if parser else "")
        before = [_message(row, item) for row in (here.messages or {}).get("messageValues") or []]
        output = parser.output_schema if parser else None
        question = Question(
            [*before, user(text)], schema=output.schema if output else None, unwrap=output.unwrap if output else None
        )
        return self.ask(context, item_state, "model", question)

    def after_model(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Return the parser's value; without a parser the text, or its JSON when the model answers in JSON."""
        reply = replies[0].get()
        parser, text = self._parser(context, item_state), joined_text(reply["message"])
        if parser is None:
            return self._plain(context, item_state, text)
        if parser.output_schema is None:
            return self._answer(context, parser.node.split(text), parsed=True)
        answer = reply["read"] or {}
        if "value" in answer:
            return self._answer(context, _parsed(answer), parsed=True)
        if parser.fixer is None:
            raise unfit(answer)
        item_state["messages"] = []
        item_state.pop("earlier", None)
        prompt = parser.fix(str(answer.get("text", "")), str(answer["problem"]))
        question = Question(
            [user(prompt)], schema=parser.output_schema.schema, unwrap=parser.output_schema.unwrap, model=parser.fixer
        )
        return self.ask(context, item_state, "fix", question)

    def after_fix(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """Return the repaired answer. Raise NodeError when it does not fit either."""
        answer = replies[0].get()["read"] or {}
        if "value" not in answer:
            raise unfit(answer, in_parts=fixed_in_parts(self._parser(context, item_state), context, item_state["i"]))
        return self._answer(context, _parsed(answer), parsed=True)

    def _plain(self, context: DurableContext, item_state: ItemState, text: str) -> Finish:
        """Return a text answer. JSON that the model was told to answer with is an object as it is; a list lies under `data`, and what is
        neither list nor text one level deeper (n8n). Where there is a fallback n8n looks at no model's options. Raise NodeError for what
        is no JSON then.
        """
        names = context.subnodes("ai_languageModel")
        options = getattr(context.subnode(names[0], item_state["i"])[0], "options", None) or {}
        if options.get("responseFormat") != "json_object" or (self.fallback and len(names) > 1):
            return self._answer(context, text.strip(), parsed=False)
        try:
            value = parse_json(text.strip())
        except NotJsonError as error:
            raise NodeError(error.message, description="The model was to answer with JSON") from None
        if isinstance(value, dict | str):
            return self._answer(context, value, parsed=False)
        told = {"data": value} if isinstance(value, list) else {"response": {"text": value}}
        return self._answer(context, told, parsed=True)

    def _answer(self, context: DurableContext, value: Any, *, parsed: bool) -> Finish:
        """Return the output items: text as `{text}`, a list as one item each, an object as it is from 1.6 on or when it was
        parsed (n8n).
        """
        values = value if isinstance(value, list) else [value]
        return Finish([(0, {"json": _json(each, context.version, parsed=parsed)}) for each in values])


def _parsed(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a structured parser gives: nothing where the model left out the value and may (n8n)."""
    return {} if answer.get("absent") else {"output": answer["value"]}


def _json(value: Any, version: float, *, parsed: bool) -> dict[str, Any]:
    if isinstance(value, dict):
        return value if parsed or version >= 1.6 else {"text": dumps(value)}
    return {"text": value.strip() if isinstance(value, str) else value}


def _message(row: Mapping[str, Any], item: Item) -> Message:
    """Return a message that the node defines; pictures come from the item or from a URL."""
    kind = row.get("messageType", "text")
    role = row.get("type", "SystemMessagePromptTemplate")
    if kind == "text" or role != "HumanMessagePromptTemplate":
        return ROLES[role](as_text(row.get("message", "")))
    if kind == "imageUrl":
        return {"role": "user", "content": [{"type": "image_url", "text": str(row.get("imageUrl", ""))}]}
    key = row.get("binaryImageDataKey", "data")
    ref = (item.get("binary") or {}).get(key)
    if ref is None:
        raise NodeError(f"The item has no binary field '{key}'")
    return {"role": "user", "content": [{"type": "file", "ref": ref}]}
