"""The node type that n8n's own engine tests use and n8n does not ship: it tells its version and its parameter."""

from collections.abc import Mapping
from typing import Any

from runtime.catalog import NodeCatalog
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


class WithDoubles(NodeCatalog):
    """The catalogue with this type in it."""

    def find(self, type_: str, version: float, parameters: Mapping[str, Any]) -> type[Node] | None:
        """See NodeCatalog."""
        return VersionTest if type_ == VersionTest.type else super().find(type_, version, parameters)

    def versions(self, type_: str) -> tuple[float, ...]:
        """See NodeCatalog."""
        return VersionTest.versions if type_ == VersionTest.type else super().versions(type_)
