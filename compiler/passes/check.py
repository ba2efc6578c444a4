"""What can be told before a run: each node's own rule, then one whole-graph check per file of `compiler.checks`."""

from compiler.suppress import suppress
from compiler.unit import Unit


def check(unit: Unit) -> None:
    """Run every check, then drop what the author has chosen not to be told."""
    for bound in unit.bound.values():
        if bound.instance is not None and not bound.node.disabled:
            unit.tell(*bound.instance.check(bound.at, bound.node.type_version))
    suppress(unit)
