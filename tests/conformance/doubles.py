"""The node type that n8n's own engine tests use and n8n does not ship: it tells its version and its parameter."""

from collections.abc import Iterable, Sequence

from runtime.catalog import SOURCES, DataSource, NodeCatalog
from runtime.contract import Context, Inline, Items, Outputs
from schemas.node import Node, param


class VersionTest(Inline):
    """Gives one item with both."""

    type = "n8n-nodes-base.versionTest"
    versions = (1, 2)

    version_test: int = param(1, since={2: 2})

    def run(self, context: Context, items: Items) -> Outputs:
        """One item, whatever came in."""
        del items
        return [[{"json": {"versionFromNode": context.version, "versionFromParameter": self.version_test}}]]


def with_nodes(*nodes: type[Node]) -> NodeCatalog:
    """Return the catalogue with these classes in it."""

    def build(type_: str, _folder: str) -> Iterable[type[Node]]:
        return (each for each in nodes if each.type == type_)

    sources: Sequence[DataSource] = [DataSource({each.type: "" for each in nodes}, build)]
    return NodeCatalog((*SOURCES, *sources))
