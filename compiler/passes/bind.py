"""Parameters to effective parameters and an instance of the node class; every expression in them is compiled once."""

from compiler.parameters.effective import effective
from compiler.sites.advice import advice
from compiler.sites.expression_sites import Special, expressions, special, strings, text_at
from compiler.sites.programs import program
from compiler.unit import Bound, Unit
from schemas.diagnostic.expressions import InvalidExpression

NOTHING = Special({}, {})
SYNTAX = "invalid syntax"


def bind(unit: Unit) -> None:
    """Fill instance, parameters, expressions and reads of each bound node."""
    for bound in unit.bound.values():
        node, version = bound.node, bound.node.type_version
        bound.parameters = node.parameters
        marked = NOTHING
        if bound.declared is not None:
            found = effective(bound.declared, node.parameters, version)
            bound.parameters, bound.shown = found.values, found.shown
            bound.instance = bound.declared.bind(bound.parameters, version)
            marked = special(bound.shown)
        bound.texts = list(strings(bound.parameters))
        bound.found = tuple(expressions(bound.texts, marked))
        bound.programs = {
            name: program(source, language)
            for name, language in marked.programs.items()
            if isinstance(source := bound.parameters.get(name), str)
        }
        bound.reads = _reads(bound)
        _invalid(unit, bound)


def _reads(bound: Bound) -> frozenset[str] | None:
    """The nodes whose data the step may read; None: any."""
    each = [found.compiled.references for found in bound.found]
    each += [made.reads for made in bound.programs.values()]
    return None if None in each else frozenset().union(*(names for names in each if names is not None))


def _invalid(unit: Unit, bound: Bound) -> None:
    for found in bound.found:
        for problem in found.compiled.problems:
            at = bound.at.within("parameters", *found.at).after(problem.offset)
            hint = advice(text_at(bound.parameters, found.at), problem.offset) if problem.message == SYNTAX else ""
            unit.tell(InvalidExpression(at=at, parameter=found.name, reason=problem.message, advice=hint))
