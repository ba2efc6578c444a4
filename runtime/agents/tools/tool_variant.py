"""Ordinary nodes as tools: a node `x` that n8n marks as usable as tool exists as `xTool` too, which an agent may call."""

import re
from collections.abc import Mapping
from functools import cache
from types import new_class
from typing import Any, Final

from runtime.agents.tools.optimised_answer import FIELDS, OF, OptimisedAnswer
from runtime.contract import param
from schemas.node import Node
from schemas.plan import Kind

SUFFIX: Final = "Tool"
HITL_SUFFIX: Final = "HitlTool"
"""Ends the type of a node that asks a person before tools of an agent run: `slackHitlTool`."""


NAMED: Final = ("operation", "resource")
"""Parameters that say what a node does. Only a node that has one of them lets its author choose between two descriptions."""
PURPOSES: Final = {
    "crypto": "Computes hashes, signatures and random values",
    "graphql": "Sends a GraphQL query and gives its result",
    "httpRequest": "Sends an HTTP request and gives what the server answers",
    "rssFeedRead": "Reads the entries of a feed",
}
"""What nodes do that have none of these parameters."""
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def has_own_description(parameters: Mapping[str, Any]) -> bool:
    """Return whether the author's description of a tool counts: n8n has one of its own where `descriptionType` is `auto`."""
    choosable = any(name in parameters for name in NAMED)
    return not choosable or parameters.get("descriptionType", "auto") == "manual"


def generic_description(type_: str, parameters: Mapping[str, Any]) -> str:
    """Return what a model is told of a node whose author tells nothing: what it does, and with which service."""
    name = type_.rpartition(".")[2].removesuffix(SUFFIX)
    doing = ""
    for value in (parameters.get(each) for each in NAMED):
        if isinstance(value, str) and value[:1] != "=" and (words := _words(value).lower()) not in doing:
            doing += f" {words}"
    return f"{doing.strip().capitalize()} in {_words(name)}" if doing else PURPOSES.get(name, _words(name))


def _words(name: str) -> str:
    words = _WORD.sub(" ", name)
    return words[:1].upper() + words[1:]


@cache
def tool_variant(node: type[Node]) -> type[Node]:
    """The node as a sub-node: the same parameters and behaviour, and a description for the model."""
    namespace: dict[str, Any] = {
        "__module__": node.__module__,
        "__doc__": f"{node.__doc__} As a tool of an agent.",
        "__annotations__": {"description_type": str, "tool_description": str},
        "description_type": param("auto"),
        "tool_description": param(""),
        "type": node.type + SUFFIX,
    }
    bases: tuple[type, ...] = (node,)
    if node.type == OF:
        namespace |= FIELDS
        namespace["__annotations__"] |= dict.fromkeys(FIELDS, "Dynamic[Any]")
        bases = (OptimisedAnswer, node)
    made: type[Node] = new_class(node.__name__ + SUFFIX, bases, exec_body=lambda body: body.update(namespace))
    made.kind = Kind.SUBNODE
    return made
