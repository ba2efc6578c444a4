"""Credentials: chosen where the node needs one, of a type that it uses."""

from collections.abc import Iterator
from typing import Final

from compiler.unit import Bound, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.credentials import CredentialByName, CredentialNotChosen, CredentialNotUsed
from schemas.plan import Kind

HTTP: Final = frozenset(
    {"n8n-nodes-base.httpRequest", "@n8n/n8n-nodes-langchain.toolHttpRequest", "n8n-nodes-base.graphql"}
)


def credentials(unit: Unit) -> Iterator[Diagnostic]:
    """Every node that can have a credential."""
    for bound in unit.bound.values():
        if bound.node.disabled:
            continue
        for type_, raw in bound.node.credentials.items():
            if isinstance(raw, str):
                yield CredentialByName(at=bound.at.within("credentials", type_), type=type_, name=raw)
        wanted = _wanted(bound)
        if wanted and not (wanted & bound.node.credentials.keys()):
            yield CredentialNotChosen(at=bound.at, node=bound.node.name, types=tuple(sorted(wanted)))
        elif wanted:
            for type_ in sorted(bound.node.credentials.keys() - wanted):
                at = bound.at.within("credentials", type_)
                yield CredentialNotUsed(at=at, node=bound.node.name, type=type_, types=tuple(sorted(wanted)))


def _wanted(bound: Bound) -> set[str]:
    """Types of which the node needs one with its parameters; empty if it needs none, or if that is not known."""
    if bound.declared is None:
        return set()
    if bound.node.type in HTTP:
        return _http(bound)
    if bound.declared.credential_types and bound.declared.kind in (Kind.SUBNODE, Kind.ACTIVITY):
        chosen = bound.parameters.get("authentication")
        return (
            set()
            if chosen in ("none", "", None) and "authentication" in bound.parameters
            else set(bound.declared.credential_types)
        )
    return set()


def _http(bound: Bound) -> set[str]:
    parameters = bound.parameters
    kind = parameters.get("authentication")
    field = {"predefinedCredentialType": "nodeCredentialType", "genericCredentialType": "genericAuthType"}.get(
        str(kind)
    )
    chosen = parameters.get(field) if field else None
    return {chosen} if isinstance(chosen, str) and chosen and not chosen.startswith("=") else set()
