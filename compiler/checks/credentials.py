"""Credentials: chosen where the node needs one, of a type that it uses."""

from collections.abc import Iterator

from compiler.parameters.credential_refs import credential_refs
from compiler.parameters.node_hooks import call_hook
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.credentials import (
    CredentialByName,
    CredentialHostComputed,
    CredentialNotChosen,
    CredentialNotUsed,
)
from schemas.facts import CredentialUse
from schemas.hosts import literal_hosts
from schemas.node import visible


def credentials(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about the credentials of every enabled node: missing, referenced by name, of a type that the
    node does not use, or sent to a host that is computed.
    """
    for bound in unit.bound.values():
        if not bound.node.disabled:
            yield from _by_name(bound)
            yield from _choice(unit, bound)


def _by_name(bound: BoundNode) -> Iterator[Diagnostic]:
    for type_, raw in bound.node.credentials.items():
        if isinstance(raw, str):
            yield CredentialByName(at=bound.at.within("credentials", type_), type=type_, name=raw)


def _choice(unit: Unit, bound: BoundNode) -> Iterator[Diagnostic]:
    uses = _uses(unit, bound)
    chosen = bound.node.credentials.keys()
    yield from _hosts(bound, uses)
    required = {use.type for use in uses if use.required}
    known = {use.type for use in uses}
    if required and not required & chosen:
        others = tuple(sorted(chosen)) or "none"
        yield CredentialNotChosen(at=bound.at, node=bound.node.name, types=tuple(sorted(required)), chosen=others)
    elif known:
        for type_ in sorted(chosen - known):
            at = bound.at.within("credentials", type_)
            yield CredentialNotUsed(at=at, node=bound.node.name, type=type_, types=tuple(sorted(known)))


def _hosts(bound: BoundNode, uses: list[CredentialUse]) -> Iterator[Diagnostic]:
    generic = {use.type for use in uses if use.generic}
    if literal_hosts(bound.parameters):
        return
    for type_, reference in credential_refs(bound.node, {}).items():
        if type_ in generic:
            at = bound.at.within("credentials", type_)
            name = reference.name or reference.id or ""
            yield CredentialHostComputed(at=at, node=bound.node.name, type=type_, name=name)


def _uses(unit: Unit, bound: BoundNode) -> list[CredentialUse]:
    """Return the credential types that the node uses with its current parameters."""
    instance, version = bound.instance, bound.node.type_version
    if instance is None:
        return []
    uses: list[CredentialUse] = call_hook(unit, bound, lambda: list(instance.credential_needs(version)), [])
    return [use for use in uses if visible(use.show, {}, bound.parameters, version)]
