"""Compute effective parameters, create an instance of each node class, and compile every expression once."""

from typing import Any

from compiler.parameters.effective import effective_parameters
from compiler.sites.advice import explain_syntax_error
from compiler.sites.constants import fold, listens
from compiler.sites.expression_sites import SpecialParameters, find_expressions, special_parameters, strings, text_at
from compiler.sites.programs import analyze_program
from compiler.unit import BoundNode, Unit
from schemas.diagnostic.expressions import InvalidExpression

NO_SPECIAL_PARAMETERS = SpecialParameters({}, {})
SYNTAX_ERROR = "invalid syntax"
STATUS = ("options", "responseCode")
"""n8n takes this option as it is written."""


def bind(unit: Unit) -> None:
    """Fill instance, parameters, expressions and reads of each bound node."""
    for bound in unit.bound.values():
        node, version = bound.node, bound.node.type_version
        bound.parameters = node.parameters
        special = NO_SPECIAL_PARAMETERS
        if bound.declared is not None:
            written = _known_ahead(unit, bound) if listens(bound.declared) else node.parameters
            effective = effective_parameters(bound.declared, written, version)
            bound.parameters, bound.visible = effective.values, effective.visible
            bound.instance = bound.declared.bind(bound.parameters, version)
            special = special_parameters(bound.visible)
        bound.texts = list(strings(bound.parameters))
        bound.expressions = tuple(find_expressions(bound.texts, special))
        bound.programs = {
            name: analyze_program(source, language)
            for name, language in special.programs.items()
            if isinstance(source := bound.parameters.get(name), str)
        }
        bound.reads = _reads(bound)
        _report_invalid(unit, bound)


def _known_ahead(unit: Unit, bound: BoundNode) -> dict[str, Any]:
    """Return the node's parameters with the values of expressions that are known before a run."""
    assert unit.export is not None
    folded: dict[str, Any] = fold(bound.node.parameters, unit.export, lambda at: at[:2] == STATUS)
    return folded


def _reads(bound: BoundNode) -> frozenset[str] | None:
    """Return the names of the nodes whose data the step may read; None: any."""
    references = [site.compiled.references for site in bound.expressions]
    references += [program.reads for program in bound.programs.values()]
    return None if None in references else frozenset().union(*(names for names in references if names is not None))


def _report_invalid(unit: Unit, bound: BoundNode) -> None:
    for site in bound.expressions:
        for problem in site.compiled.problems:
            at = bound.at.within("parameters", *site.at).after(problem.offset)
            hint = (
                explain_syntax_error(text_at(bound.parameters, site.at), problem.offset)
                if problem.message == SYNTAX_ERROR
                else ""
            )
            unit.report(InvalidExpression(at=at, parameter=site.name, reason=problem.message, advice=hint))
