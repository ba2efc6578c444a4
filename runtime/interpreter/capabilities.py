"""Which capabilities a kind of step may use; hosts make them (`runtime.hosts.capabilities`)."""

from collections.abc import Mapping
from typing import Final, Protocol

from runtime.contract import Capabilities, NodeError
from schemas.plan import Kind
from schemas.task import Task

__all__ = ["ALLOWED", "NAMES", "HostCapabilities", "refuse"]

NAMES: Final = frozenset(name for name in vars(Capabilities) if not name.startswith("_"))
"""Every capability."""

ALLOWED: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.LOCAL: frozenset({"blobs", "code", "credentials", "log", "progress"}),
    Kind.ACTIVITY: NAMES,
    Kind.DURABLE: NAMES,
    Kind.SUBNODE: NAMES,
}
"""What a step of a kind may use; kinds that are not here may use nothing. A local activity has seconds and no heartbeat, so
that it does pure work, with the bytes and secrets that this needs. Durable steps and sub-nodes use the world in the methods
that their calls run, which are activities.
"""


class HostCapabilities(Protocol):
    """What a host brings: the capabilities of each task."""

    def for_task(self, task: Task) -> Capabilities:
        """Return every capability, as this task has it; `ALLOWED` is not applied."""


def refuse(kind: Kind, capability: str, node: str) -> None:
    """Raise NodeError when a step of this kind may not use the capability; `node` is the name of its class."""
    if capability in ALLOWED.get(kind, frozenset()):
        return
    if kind is Kind.LOCAL:
        remedy = f"Remove `local = True` from {node}, so that its steps are activities"
    else:
        remedy = f"Make {node} an Activity, or use it in a method that a `Call` runs"
    allowed = ", ".join(sorted(ALLOWED.get(kind, ()))) or "none"
    raise NodeError(
        f"{node} uses the capability '{capability}', which steps of the kind '{kind}' do not have",
        description=f"{remedy}; or add it to ALLOWED in runtime/interpreter/capabilities.py. '{kind}' has: {allowed}",
    )
