"""The catalogue of node types: finds a class by type and version, loading its file when it is first asked for."""

import importlib
from functools import cache
from typing import Final

from runtime.agents import AGENT_FILES
from runtime.agents.slugs import slugs
from runtime.agents.tool_variant import SUFFIX, tool_variant
from runtime.nodes import NODE_FILES
from schemas.node import Node
from schemas.plan import Plan
from schemas.plan_facts import with_facts

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

    def find(self, type_: str, version: float) -> type[Node] | None:
        """The class for this type and version, or None."""
        return next((each for each in classes(type_) if version in each.versions), None)

    def shapes(self, type_: str) -> tuple[type[Node], ...]:
        """All classes of a type; empty if the type is unknown."""
        return classes(type_)

    def versions(self, type_: str) -> tuple[float, ...]:
        """All supported versions of a type, ascending; empty if the type is unknown."""
        return tuple(sorted({version for each in classes(type_) for version in each.versions}))

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
