"""Nodes that run, but not in every respect as in n8n."""

from collections.abc import Iterator

from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import Differs


def differences(unit: Unit) -> Iterator[Diagnostic]:
    """Yield one finding for each enabled node whose type does not behave exactly as in n8n."""
    for bound in unit.bound.values():
        if bound.declared is not None and bound.declared.differs and not bound.node.disabled:
            yield Differs(at=bound.at.within("type"), type=bound.node.type, how=bound.declared.differs)
