"""Publish what the compiler made: the one way for API, command line and `dev`, so that a version is described alike."""

from collections.abc import Sequence
from typing import Any, Protocol

from schemas.plan import Plan
from service.template_records import Publication
from service.templates import TemplateStore

__all__ = ["Compiled", "Verdict", "publish", "verdict_metadata"]


class Verdict(Protocol):
    """What to expect of one node; see `compiler.unit.Verdict`."""

    @property
    def node(self) -> str:
        """The node's name."""

    @property
    def reason(self) -> str:
        """How it differs from n8n, or why it cannot run; empty where it is exact."""


class Compiled(Protocol):
    """A result of the compiler; see `compiler.unit.Compilation`."""

    @property
    def plan(self) -> Plan | None:
        """None when it does not compile."""

    @property
    def text(self) -> str:
        """The export."""

    @property
    def runnable(self) -> bool:
        """Whether no finding is an error."""

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """One per node."""


def verdict_metadata(compiled: Compiled) -> dict[str, Any]:
    """Return what is kept of the verdict with a version: {runnable, differs: names of the nodes that are not exact}."""
    return {"runnable": compiled.runnable, "differs": [each.node for each in compiled.verdicts if each.reason]}


async def publish(
    store: TemplateStore,
    tenant: str,
    key: str,
    compiled: Compiled,
    *,
    description: str = "",
    created_by: str | None = None,
    active: bool = True,
) -> Publication | None:
    """Publish as the next version of `key`, which begins by itself if it is `active`; None when there is no plan.

    Raise as `TemplateStore.publish` does.
    """
    if compiled.plan is None:
        return None
    return await store.publish(
        tenant,
        key,
        compiled.plan,
        compiled.text,
        description=description,
        metadata=verdict_metadata(compiled),
        created_by=created_by,
        active=active,
    )
