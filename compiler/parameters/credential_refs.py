"""Which credentials a node names, and the constant hosts of the addresses that they are sent to."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from compiler.unit import BoundNode
from schemas.export import ExportNode
from schemas.hosts import literal_hosts
from schemas.plan import CredentialRef

__all__ = ["CredentialHosts", "credential_hosts", "credential_refs"]

CredentialHosts: TypeAlias = Mapping[tuple[str, str], set[str]]
"""Type and name of a credential (its id where it has no name) -> hosts."""


def credential_hosts(nodes: Iterable[BoundNode]) -> CredentialHosts:
    """Return the constant hosts of the addresses in all enabled nodes that use a credential."""
    hosts: dict[tuple[str, str], set[str]] = {}
    for bound in nodes:
        named = [] if bound.node.disabled else list(_references(bound.node))
        constants = literal_hosts(bound.parameters) if named else ()
        for type_, reference in named:
            hosts.setdefault((type_, _key(reference)), set()).update(constants)
    return hosts


def credential_refs(node: ExportNode, hosts: CredentialHosts) -> dict[str, CredentialRef]:
    """Return the credentials of a node by type, each with its hosts."""
    return {
        type_: reference.model_copy(update={"hosts": tuple(sorted(hosts.get((type_, _key(reference)), ())))})
        for type_, reference in _references(node)
    }


def _references(node: ExportNode) -> Iterator[tuple[str, CredentialRef]]:
    for type_, each in node.credentials.items():
        if isinstance(each, str):
            yield type_, CredentialRef(name=each)
        elif isinstance(each, Mapping):
            yield type_, CredentialRef(id=_text(each.get("id")), name=_text(each.get("name")))


def _key(reference: CredentialRef) -> str:
    return reference.name or reference.id or ""


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
