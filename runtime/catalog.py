"""The catalogue of node types: finds a class by type and version, loading its file when it is first asked for."""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from runtime.agents import AGENT_FILES
from runtime.agents.slugs import slugs
from runtime.agents.tool_variant import SUFFIX, tool_variant
from runtime.nodes import NODE_FILES
from schemas.node import Node
from schemas.plan import Plan
from schemas.plan_facts import with_facts
from schemas.shapes import shape_of

PACKAGES: Final = (("runtime.nodes", NODE_FILES), ("runtime.agents", AGENT_FILES))


@cache
def classes(type_: str) -> tuple[type[Node], ...]:
    """The classes of a node type, one per shape; empty if the type is unknown."""
    for package, files in PACKAGES:
        if type_ in files:
            module = importlib.import_module(f"{package}.{files[type_]}")
            found = (each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Node))
            return tuple(each for each in found if getattr(each, "type", None) == type_)
    if type_.endswith(SUFFIX):
        return tuple(tool_variant(each) for each in classes(type_.removesuffix(SUFFIX)) if each.usable_as_tool)
    return ()


class NodeCatalog:
    """Every node type that this build can run."""

    def find(self, type_: str, version: float, parameters: Mapping[str, Any]) -> type[Node] | None:
        """Return the class that stands for this type, version and parameters (as written), or None."""
        return shape_of(self.shapes(type_), version, parameters)

    def shapes(self, type_: str) -> tuple[type[Node], ...]:
        """All classes of a type; empty if the type is unknown."""
        return classes(type_)

    def versions(self, type_: str) -> tuple[float, ...]:
        """All supported versions of a type, ascending; empty if the type is unknown."""
        return tuple(sorted({version for each in self.shapes(type_) for version in each.versions}))

    def types(self) -> tuple[str, ...]:
        """All node types, sorted."""
        return tuple(sorted(type_ for _, files in PACKAGES for type_ in files))

    def specialists(self) -> tuple[str, ...]:
        """Slugs of the specialist agents, sorted."""
        return slugs()

    def load(self) -> None:
        """Import every node file now (a worker does so before its first run)."""
        for type_ in self.types():
            classes(type_)


CATALOG: Final = NodeCatalog()


def upgrade(plan: Plan) -> Plan:
    """Return a plan with the facts of this build's classes, which plans of earlier versions lack."""
    return with_facts(plan, CATALOG)
