"""The catalogue of node types: finds a class by type, version and parameters, loading a type when it is first asked for.

Types come from sources. A source knows the names of its types without loading one. `SOURCES` lists those of this build.
"""

import importlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from runtime.agents import AGENT_CLASS_PER_VERSION, AGENT_FILES
from runtime.agents.slugs import slugs
from runtime.agents.tools.tool_variant import HITL_SUFFIX, SUFFIX, tool_variant
from runtime.integrations import index
from runtime.integrations.class_per_version import VENDOR_CLASS_PER_VERSION
from runtime.nodes import CLASS_PER_VERSION, NODE_FILES
from schemas.node import Node
from schemas.plan import Plan
from schemas.plan_facts import with_facts
from schemas.shapes import shape_of
from schemas.specialist import Specialist

__all__ = ["CATALOG", "SOURCES", "DataSource", "ModuleSource", "NodeCatalog", "Source", "load_types_of", "upgrade"]


class Source(Protocol):
    """Where node types come from."""

    eager: bool
    """Whether a worker loads all of its types before its first run."""

    def types(self) -> Collection[str]:
        """Return the names of its types. Loads none of them."""

    def load(self, type_: str) -> tuple[type[Node], ...]:
        """Return the classes of one of its types, one per shape. The catalogue calls it once per type."""


class ModuleSource:
    """Node types that are Python modules of a package."""

    eager = True

    def __init__(self, package: str, files: Mapping[str, str]) -> None:
        """Take the package's name, and the module below it that declares each type."""
        self.package, self.files = package, files

    def types(self) -> Collection[str]:
        """See `Source`."""
        return self.files.keys()

    def load(self, type_: str) -> tuple[type[Node], ...]:
        """Import the module. Its classes are those that name the type."""
        module = importlib.import_module(f"{self.package}.{self.files[type_]}")
        found = (each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Node))
        return tuple(each for each in found if getattr(each, "type", None) == type_)


class DataSource:
    """Node types that are data: their classes are built when a type is first used, so that hundreds cost nothing before."""

    eager = False

    def __init__(self, index: Mapping[str, str], build: Callable[[str, str], Iterable[type[Node]]]) -> None:
        """Take the index and the builder.

        Args:
            index: type -> the folder of its descriptor, below `runtime/integrations`. It is made when the package is
                built, so that nothing is read to know the names.
            build: called with a type and its folder; reads the descriptor and returns one class per shape.
        """
        self.index, self._build = index, build

    def types(self) -> Collection[str]:
        """See `Source`."""
        return self.index.keys()

    def load(self, type_: str) -> tuple[type[Node], ...]:
        """Build the classes of the type."""
        return tuple(self._build(type_, self.index[type_]))


SOURCES: Final[tuple[Source, ...]] = (
    ModuleSource("runtime.nodes", NODE_FILES),
    ModuleSource("runtime.agents", AGENT_FILES),
    DataSource(index.types(), index.build),
)


class NodeCatalog:
    """Every node type that this build can run."""

    def __init__(self, sources: Sequence[Source] = SOURCES) -> None:
        """Take the sources. Of two that have a type, the first one gives it."""
        self._sources = sources
        self._shapes: dict[str, tuple[type[Node], ...]] = {}

    def find(
        self, type_: str, version: float, parameters: Mapping[str, Any], ports: Collection[str] = ()
    ) -> type[Node] | None:
        """Return the class that stands for this type, version, parameters (as written) and ports with a sub-node, or None."""
        shapes, versions = self.shapes(type_), self.versions(type_)
        if version not in versions and versions and _takes_any_version(type_):
            version = max((each for each in versions if each <= version), default=versions[0])
        return shape_of(shapes, version, parameters, ports)

    def shapes(self, type_: str) -> tuple[type[Node], ...]:
        """Return all classes of a type, loading it if need be; empty if the type is unknown."""
        if (known := self._shapes.get(type_)) is not None:
            return known
        if (source := self._source(type_)) is not None:
            shapes = source.load(type_)
        elif type_.endswith(HITL_SUFFIX) and self._source(node := type_.removesuffix(HITL_SUFFIX)) is not None:
            shapes = _gates(self.shapes(node))
        elif type_.endswith(SUFFIX) and self._source(node := type_.removesuffix(SUFFIX)) is not None:
            shapes = tuple(tool_variant(each) for each in self.shapes(node) if each.usable_as_tool)
        else:
            return ()
        # threads may load a type at the same time: all get the classes of the one that is first to be done
        return self._shapes.setdefault(type_, shapes)

    def _source(self, type_: str) -> Source | None:
        return next((each for each in self._sources if type_ in each.types()), None)

    def versions(self, type_: str) -> tuple[float, ...]:
        """Return all supported versions of a type, ascending; empty if the type is unknown."""
        return tuple(sorted({version for each in self.shapes(type_) for version in each.versions}))

    def default_version(self, type_: str) -> float:
        """Return the version of a node that names none: the newest, or 0 where n8n then has no version at all; 1 where the type is
        unknown.
        """
        if _takes_any_version(type_):
            return 0
        return max(self.versions(type_), default=1)

    def types(self) -> tuple[str, ...]:
        """Return all node types, sorted. Loads none of them."""
        return tuple(sorted({type_ for each in self._sources for type_ in each.types()}))

    def specialists(self) -> tuple[str, ...]:
        """Return the slugs of the specialist agents, sorted."""
        return slugs()

    def specialist(self, slug: str) -> Specialist | None:
        """Return the specialist agent of this slug; None when there is none. Reads its file."""
        from runtime.agents.specialists.files import catalog  # noqa: PLC0415 - YAML is read when a specialist is asked for

        return catalog().get(slug)

    def load(self) -> None:
        """Load every type of the eager sources now (a worker does so before its first run)."""
        for source in self._sources:
            for type_ in source.types() if source.eager else ():
                self.shapes(type_)


def _gates(shapes: Iterable[type[Node]]) -> tuple[type[Node], ...]:
    """Return those that ask a person as approvals before tools."""
    from runtime.agents.roots.hitl_tool import hitl_variant  # noqa: PLC0415 - it loads nodes, which the names of types need not
    from runtime.nodes.approvals import SendAndWait  # noqa: PLC0415 - likewise

    return tuple(hitl_variant(each) for each in shapes if issubclass(each, SendAndWait))


def _takes_any_version(type_: str) -> bool:
    return (type_ in NODE_FILES or type_ in AGENT_FILES or type_ in index.types()) and type_ not in _PER_VERSION


_PER_VERSION: Final = CLASS_PER_VERSION | AGENT_CLASS_PER_VERSION | VENDOR_CLASS_PER_VERSION
"""See `runtime.nodes.CLASS_PER_VERSION`."""


CATALOG: Final = NodeCatalog()


def load_types_of(plan: bytes) -> None:
    """Load the node types of a plan (JSON), so that workflow code reads no file when it first meets them."""
    for step in json.loads(plan).get("steps", ()):
        CATALOG.shapes(step["type"])


def upgrade(plan: Plan) -> Plan:
    """Return a plan with the facts of this build's classes, which plans of earlier versions lack."""
    return with_facts(plan, CATALOG)
