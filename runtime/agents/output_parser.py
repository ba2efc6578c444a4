"""Output parsers: what an AI root wants its model's answer to look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtime.agents.wanted import FIX, Wanted
from runtime.contract import DurableContext, NodeError, SubNode

UNFIT = "Model output doesn't fit required format"
UNFIT_HINT = "To continue the execution when this happens, change the 'On Error' parameter in the root node's settings"


class OutputParser(SubNode):
    """An output parser. It wants JSON (`wanted`), or reads text itself (`split`)."""

    connection = "ai_outputParser"

    def wanted(self, version: float) -> Wanted | None:
        """The JSON it wants; None: text, which `split` reads. Raises ValueError for a schema that is none."""
        raise NotImplementedError

    def instructions(self, version: float) -> str:
        """What to tell a model that answers in text."""
        wanted = self.wanted(version)
        return wanted.instructions if wanted else ""

    def split(self, text: str) -> list[Any]:
        """The value of a text answer. Raises NodeError."""
        raise NotImplementedError


@dataclass(frozen=True)
class Parser:
    """The parser that is connected to a root, with what may repair a bad answer."""

    name: str
    node: OutputParser
    version: float
    wanted: Wanted | None
    fixer: str | None = None
    """The model that gets one try at an answer that does not fit."""
    fix_prompt: str | None = None

    @property
    def instructions(self) -> str:
        """What to tell a model that answers in text."""
        return self.node.instructions(self.version)

    def fix(self, text: str, problem: str) -> str:
        """How to ask for a repaired answer; an author's own prompt has the same three place-holders."""
        prompt = self.fix_prompt or FIX
        for name, value in (("instructions", self.instructions), ("completion", text), ("error", problem)):
            prompt = prompt.replace("{" + name + "}", value)
        return prompt


def connected(context: DurableContext, i: int) -> Parser | None:
    """The output parser of the root. Raises NodeError, naming the sub-node, when it is not in order."""
    names = context.subnodes("ai_outputParser")
    return _parser(context, names[0], i) if names else None


def _parser(context: DurableContext, name: str, i: int) -> Parser:
    node, version = context.subnode(name, i)
    inner = context.subnodes("ai_outputParser", name)
    models = context.subnodes("ai_languageModel", name)
    if inner:  # an autofixing parser around another one
        found = _parser(context, inner[0], i)
        prompt = (getattr(node, "options", None) or {}).get("prompt")
        return Parser(found.name, found.node, found.version, found.wanted, _first(models), prompt)
    if not isinstance(node, OutputParser):
        raise NodeError(f"'{name}' has no output parser connected to it")
    try:
        wanted = node.wanted(version)
    except ValueError as error:
        raise NodeError(f"Error in sub-node {name}", description=str(error), item=i) from None
    fixing = bool(getattr(node, "auto_fix", False))
    own = getattr(node, "prompt", None) if fixing and getattr(node, "customize_retry_prompt", False) else None
    return Parser(name, node, version, wanted, _first(models) if fixing else None, own)


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None


def unfit(read: Any) -> NodeError:
    """n8n's error for an answer that does not fit."""
    problem = read.get("problem") if isinstance(read, dict) else None
    if problem is not None and read.get("empty"):
        return NodeError(problem, description=UNFIT_HINT)
    return NodeError(UNFIT, description=UNFIT_HINT, data={"problem": problem} if problem else None)
