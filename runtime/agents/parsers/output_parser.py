"""Output parsers: the shape that an AI root expects of its model's answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtime.agents.parsers.output_schema import FIX, OutputSchema
from runtime.contract import DurableContext, NodeError, SubNode

UNFIT = "Model output doesn't fit required format"
UNFIT_HINT = "To continue the execution when this happens, change the 'On Error' parameter in the root node's settings"


class OutputParser(SubNode):
    """An output parser. It expects JSON (`output_schema`), or parses text itself (`split`)."""

    connection = "ai_outputParser"

    def output_schema(self, version: float) -> OutputSchema | None:
        """Return the schema of the JSON that it expects; None: text, which `split` parses.

        Raise ValueError for a parameter that is not a JSON Schema.
        """
        raise NotImplementedError

    def instructions(self, version: float) -> str:
        """Return the prompt for a model that answers in text."""
        schema = self.output_schema(version)
        return schema.instructions if schema else ""

    def split(self, text: str) -> list[Any]:
        """Return the values of a text answer. Raise NodeError."""
        raise NotImplementedError


@dataclass(frozen=True)
class Parser:
    """The parser that is connected to a root, and the model that may repair an invalid answer."""

    name: str
    node: OutputParser
    version: float
    output_schema: OutputSchema | None
    fixer: str | None = None
    """Name of the model that gets one attempt to repair an answer that does not fit the schema."""
    fix_prompt: str | None = None

    @property
    def instructions(self) -> str:
        """The prompt for a model that answers in text."""
        return self.node.instructions(self.version)

    def fix(self, text: str, problem: str) -> str:
        """Return the prompt for repairing an answer; an author's own prompt has the same three place-holders."""
        prompt = self.fix_prompt or FIX
        for name, value in (("instructions", self.instructions), ("completion", text), ("error", problem)):
            prompt = prompt.replace("{" + name + "}", value)
        return prompt


def connected(context: DurableContext, i: int) -> Parser | None:
    """Return the output parser of the root; None: none is connected. Raise NodeError, naming a sub-node that is not valid."""
    names = context.subnodes("ai_outputParser")
    return _parser(context, names[0], i) if names else None


def _parser(context: DurableContext, name: str, i: int) -> Parser:
    node, version = context.subnode(name, i)
    inner = context.subnodes("ai_outputParser", name)
    models = context.subnodes("ai_languageModel", name)
    if inner:  # an autofixing parser around another one
        parser = _parser(context, inner[0], i)
        prompt = (getattr(node, "options", None) or {}).get("prompt")
        return Parser(parser.name, parser.node, parser.version, parser.output_schema, _first(models), prompt)
    if not isinstance(node, OutputParser):
        raise NodeError(f"'{name}' has no output parser connected to it")
    try:
        schema = node.output_schema(version)
    except ValueError as error:
        raise NodeError(f"Error in sub-node {name}", description=str(error), item=i) from None
    fixing = bool(getattr(node, "auto_fix", False))
    own = getattr(node, "prompt", None) if fixing and getattr(node, "customize_retry_prompt", False) else None
    return Parser(name, node, version, schema, _first(models) if fixing else None, own)


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None


def unfit(parsed: Any, *, in_parts: bool = False) -> NodeError:
    """Return n8n's error for an answer that does not fit its schema; `parsed` is the ParsedAnswer. `in_parts`: see `fixed_in_parts`."""
    problem = parsed.get("problem") if isinstance(parsed, dict) else None
    if problem is not None and parsed.get("empty") and not in_parts:
        return NodeError(problem, description=UNFIT_HINT)
    return NodeError(UNFIT, description=UNFIT_HINT, data={"problem": problem} if problem else None)


def fixed_in_parts(parser: Parser | None, context: DurableContext, i: int) -> bool:
    """Return whether the parser's own model answers in parts, of which n8n never says that they are empty."""
    if parser is None or parser.fixer is None:
        return False
    node, version = context.subnode(parser.fixer, i)
    asks = getattr(node, "answers_in_parts", None)
    return asks is not None and bool(asks(version, streamed=False))
