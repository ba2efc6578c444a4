"""What the node classes of a descriptor share: their parameters, their operation, and their credential."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import Any, ClassVar

from runtime.contract import NodeError
from runtime.integrations.descriptor import CredentialChoice, Descriptor, Operation, listed
from runtime.integrations.parameters import Fact, Parameters
from runtime.integrations.scope import Scope
from runtime.integrations.values import holds
from runtime.values.javascript import js_string
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnknownOption, UnsupportedChoice
from schemas.facts import CredentialUse, is_literal
from schemas.node import Node, visible

__all__ = ["ANY", "Described"]

ANY = "*"
"""The operation for all others."""
NOTHING = Operation(output={})
"""What n8n does for an operation that it does not know, in most nodes: an item without data."""


class Described(Node):
    """A node class that the loader makes from a descriptor."""

    descriptor: ClassVar[Descriptor]
    facts: ClassVar[Mapping[str, Fact]]
    """Field -> the fact that it declares."""
    module: ClassVar[ModuleType | None] = None
    """The vendor's functions."""
    families: ClassVar[Sequence[tuple[Sequence[float], Sequence[Fact]]]] = ()
    """The parameters of the type's families of versions."""

    def parameters(self, version: float, written: Node | None = None) -> Parameters:
        """Return the parameters by wire name; `written`: the node before its expressions were evaluated, which conditions see."""
        return Parameters(self, self.facts, version, written)

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report an operation that this build does not have, and parameters that it cannot honour."""
        parameters, descriptor, operations = self.parameters(version), self.descriptor, self.descriptor.operations
        key = self.key(parameters)
        if key is None:
            return
        strange = self.strange(parameters)
        if strange is not None:
            chosen = js_string(parameters.get(strange))
            advice = self._advice_for_option(parameters, strange, chosen, version)
            yield UnknownOption(at=at.within("parameters", strange), name=strange, value=chosen, advice=advice)
        elif operations and key not in operations and ANY not in operations:  # a trigger has none
            near = get_close_matches(key, operations, 1)
            advice = (
                descriptor.missing.get(key)
                or descriptor.missing.get(ANY)
                or (f"did you mean {near[0]}?" if near else "use an HTTP Request node with the same credential")
            )
            yield self._unsupported(at, descriptor.operation, key, advice)
        for place, advice in descriptor.unsupported.items():
            operation, _, name = place.partition(":")
            value = _unsupported_value(parameters, name) if operation in (key, ANY) else None
            if value is not None:
                yield self._unsupported(at, name.partition("=")[0], value, advice)

    def _advice_for_option(self, parameters: Parameters, name: str, value: str, version: float) -> str:
        """Return which versions have a resource or operation that this version lacks, and the nearest one of this version."""
        descriptor, resource = self.descriptor, parameters.get(self.descriptor.resource)
        any_resource = name == descriptor.resource or parameters.fact(descriptor.resource) is None

        def has(fact: Fact) -> bool:
            resources = fact.show.get(descriptor.resource, ())
            return (
                fact.name == name and value in fact.options and (any_resource or not resources or resource in resources)
            )

        found = {each for versions, facts in self.families if any(map(has, facts)) for each in versions}
        others = [f"{each:g}" for each in sorted(found - {version})]
        fact = parameters.fact(name)
        options = [str(each) for each in fact.options] if fact is not None else []
        near = get_close_matches(value, options, 1)
        this = f"did you mean {near[0]!r}?" if near else f"the options are {', '.join(sorted(options))}"
        if not others:
            return this
        have = f"versions {', '.join(others)} have" if others[1:] else f"version {others[0]} has"
        return f"{have} it; in this one {this}"

    def _unsupported(self, at: Location, name: str, value: Any, advice: str) -> Diagnostic:
        at = at.within("parameters", name)
        return UnsupportedChoice(at=at, type=self.type, name=name, value=js_string(value), advice=advice)

    def unsupported_ports(self, version: float) -> Mapping[str, str]:
        """Return the ports that the descriptor lacks for the operation."""
        key, found = self.key(self.parameters(version)), dict[str, str]()
        for place, advice in self.descriptor.parts.items():
            operation, _, port = place.partition(":")
            if operation in (key, ANY):
                found[port] = advice
        return found

    def credential_needs(self, version: float) -> Iterable[CredentialUse]:
        """Return the credential types of the descriptor."""
        del version
        return [CredentialUse(each.type, dict(each.show)) for each in self.descriptor.credentials]

    def key(self, parameters: Parameters) -> str | None:
        """Return `resource.operation`; None when an expression decides it."""
        named = [parameters.get(each) for each in (self.descriptor.resource, self.descriptor.operation)]
        if not all(is_literal(each) for each in named):
            return None
        return ".".join(js_string(each) for each in named if each)

    def strange(self, parameters: Parameters) -> str | None:
        """Return the parameter whose value n8n itself does not know, the operation's or the resource's; None: n8n has the operation."""
        for name in (self.descriptor.resource, self.descriptor.operation):
            fact, value = parameters.fact(name), parameters.get(name)
            if fact is not None and fact.options and is_literal(value) and value not in fact.options:
                return name
        return None

    def variants(self, parameters: Parameters) -> Sequence[Operation]:
        """Return the variants of the operation that the parameters choose; none when there is none."""
        operations = self.descriptor.operations
        return listed(operations.get(self.key(parameters) or ANY) or operations.get(ANY, ()))

    def operation_of(self, scope: Scope) -> Operation:
        """Return the operation of an item. Raise NodeError when there is none."""
        for each in self.variants(scope.parameters):
            if holds(each.when, scope):
                return each
        if self.strange(scope.parameters) is not None:
            if self.descriptor.unknown == "empty":
                return NOTHING
            raise NodeError("Cannot read properties of undefined (reading 'execute')", item=scope.index)
        key = self.key(scope.parameters) or ANY
        raise NodeError(f"{self.descriptor.name} has no operation {key}", item=scope.index)

    def credential_of(self, parameters: Parameters, version: float) -> CredentialChoice | None:
        """Return the credential that the parameters choose."""
        shown = (each for each in self.descriptor.credentials if visible(each.show, {}, parameters, version))
        return next(shown, None)


def _unsupported_value(parameters: Parameters, place: str) -> Any:
    """Return the value of a parameter, a member or a choice under `unsupported` that cannot be honoured; None: there is none."""
    name, _, choice = place.partition("=")
    name, _, member = name.partition(".")
    fact, value = parameters.fact(name), parameters.get(name)
    if fact is None:
        return None
    if choice:
        return choice if choice in (value if isinstance(value, list) else [value]) else None
    if member:
        value = value.get(member) if isinstance(value, Mapping) else None
    return value if value not in (False if member else fact.default, None, {}, [], "") else None
