"""The node of every descriptor: requests per item, or once for all."""

from typing import Final

from runtime.contract import Activity, ActivityContext, Items, Outputs
from runtime.integrations.described import ANY, Described
from runtime.integrations.descriptor import listed, requests_of
from runtime.integrations.node_run import NodeRun

__all__ = ["VendorNode"]

_REPEATABLE: Final = (
    "get",
    "search",
    "lookup",
    "read",
    "count",
    "availability",
    "estimate",
    "upsert",
    "appendOrUpdate",
)
"""Starts of the names of operations that change nothing, or nothing more when they are done twice."""


class VendorNode(Described, Activity):
    """A vendor's REST API. The loader makes a class per descriptor."""

    def mutation(self, version: float) -> str | None:
        """Return what the operation changes: it does not only read, nor find what it wrote before."""
        parameters = self.parameters(version)
        key = self.key(parameters) or ""
        if self.descriptor.only_reads(key) or key.rpartition(".")[2].startswith(_REPEATABLE):
            return None
        operations = self.descriptor.operations
        variants = listed(operations.get(key) or operations.get(ANY, ()))
        requests = [requests_of(each) for each in variants]
        reads = [bool(sent) and all(parameters.get(_named(each.method)) == "GET" for each in sent) for sent in requests]
        return None if reads and all(reads) else f"its {key or 'operation'}"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Run the operation per item, or once for all."""
        return [await NodeRun(self, context, items).all_items()]


def _named(method: object) -> str:
    """Return the parameter that says a request's method: `{name}`, or `{name ?? 'GET'}`."""
    return str(method).strip("{}").partition("??")[0].strip()
