"""Parameters to effective parameters and an instance of the node class; every expression in them is compiled once."""

from compiler import adapter as expressions
from compiler.parameters import effective
from compiler.placing import placed, reads, special
from compiler.unit import Bound, Unit
from schemas.diagnostic.expressions import InvalidExpression
from schemas.expression import Invalid


def bind(unit: Unit) -> None:
    """Fill instance, parameters, expressions and reads of each bound node."""
    for bound in unit.bound.values():
        node = bound.node
        bound.parameters = node.parameters
        if bound.declared is not None:
            bound.parameters = effective(bound.declared, node.parameters, node.type_version)
            bound.instance = bound.declared.bind(bound.parameters, node.type_version)
        _expressions(bound)
        _invalid(unit, bound)


def _expressions(bound: Bound) -> None:
    resolvable, programs = (
        special(bound.declared, bound.parameters, bound.node.type_version) if bound.declared else ({}, {})
    )
    bound.expressions = tuple(placed(bound.parameters, resolvable, frozenset(programs)))
    found = [reads(each.expression) for each in bound.expressions]
    for name, language in programs.items():
        source = bound.parameters.get(name)
        if isinstance(source, str):
            found.append(expressions.scan_code(source, language))
    bound.reads = None if None in found else frozenset().union(*(each for each in found if each is not None))


def _invalid(unit: Unit, bound: Bound) -> None:
    for each in bound.expressions:
        if isinstance(each.expression, Invalid):
            at = bound.at.within("parameters", *each.at)
            unit.tell(InvalidExpression(at=at, parameter=".".join(map(str, each.at)), reason=each.expression.message))
