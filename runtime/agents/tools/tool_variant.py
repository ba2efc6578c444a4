"""Ordinary nodes as tools: a node `x` that n8n marks as usable as tool exists as `xTool` too, which an agent may call."""

from functools import cache
from types import new_class
from typing import Final

from runtime.contract import param
from schemas.node import Node
from schemas.plan import Kind

SUFFIX: Final = "Tool"
HITL_SUFFIX: Final = "HitlTool"
"""Ends the type of a node that asks a person before tools of an agent run: `slackHitlTool`."""


@cache
def tool_variant(node: type[Node]) -> type[Node]:
    """The node as a sub-node: the same parameters and behaviour, and a description for the model."""
    namespace = {
        "__module__": node.__module__,
        "__doc__": f"{node.__doc__} As a tool of an agent.",
        "__annotations__": {"description_type": str, "tool_description": str},
        "description_type": param("auto"),
        "tool_description": param(""),
        "type": node.type + SUFFIX,
    }
    made: type[Node] = new_class(node.__name__ + SUFFIX, (node,), exec_body=lambda body: body.update(namespace))
    made.kind = Kind.SUBNODE
    return made
