"""Parameters against their declarations: unknown names, hidden ones, wrong types and options, required ones left empty."""

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.parameters.effective import unknown_names
from compiler.parameters.fields import expectation
from compiler.source.source import json_type_name
from compiler.suggest import nearest
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.nodes import (
    HiddenParameter,
    InvalidParameter,
    MissingParameter,
    UnknownOption,
    UnknownParameter,
    UnsupportedChoice,
    WrongParameterType,
)
from schemas.node import Declared, Node, declarations


def parameters(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about the parameters of every node of a supported type."""
    for bound in unit.bound.values():
        if bound.declared is not None and declarations(bound.declared):
            yield from _unknown(unit, bound, bound.declared)
            yield from _values(bound, bound.declared)
            yield from _missing(bound)
            yield from _formats(bound)
            yield from _unsupported(bound)


def _unsupported(bound: BoundNode) -> Iterator[Diagnostic]:
    """Yield a finding for each choice that n8n offers and this build does not support."""
    for name, each in bound.visible.items():
        value = bound.parameters.get(name)
        if isinstance(value, str) and value in each.info.unsupported:
            at, advice = bound.at.within("parameters", name), each.info.unsupported[value]
            yield UnsupportedChoice(at=at, type=bound.node.type, name=name, value=value, advice=advice)


def _unknown(unit: Unit, bound: BoundNode, declared: type[Node]) -> Iterator[Diagnostic]:
    known = {each.alias for each in declarations(declared).values()}
    node = bound.node
    for name in unknown_names(declared, node.parameters):
        yield UnknownParameter(
            at=bound.at.within("parameters", name),
            type=node.type,
            version=node.type_version,
            name=name,
            advice=unit.hint(name, known - node.parameters.keys()),
        )


def _values(bound: BoundNode, declared: type[Node]) -> Iterator[Diagnostic]:
    known = {each.alias for each in declarations(declared).values()}
    for name, value in bound.node.parameters.items():
        if name not in known:
            continue
        at = bound.at.within("parameters", name)
        declaration = bound.visible.get(name)
        if declaration is None:
            yield HiddenParameter(at=at, name=name)
        elif not (isinstance(value, str) and value.startswith("=")):
            expected = expectation(declared, declaration.name)
            if not expected.takes(value):
                yield WrongParameterType(at=at, name=name, expected=expected.words, actual=json_type_name(value))
            elif (
                expected.options and value is not None and value not in expected.options and not isinstance(value, list)
            ):
                options = {str(each) for each in expected.options}
                match = nearest(str(value), options)
                advice = f"did you mean {match!r}?" if match else f"the options are {', '.join(sorted(options))}"
                yield UnknownOption(at=at, name=name, value=str(value), advice=advice)


def _missing(bound: BoundNode) -> Iterator[Diagnostic]:
    for name, each in bound.visible.items():
        value = bound.parameters.get(name)
        if each.info.required and _empty(value) and not _by_expression(each, bound):
            advice = "choose a value in the editor" if isinstance(value, Mapping) else ""
            label = each.info.label
            yield MissingParameter(at=bound.at.within("parameters", name), name=name, advice=advice, label=label)


def _formats(bound: BoundNode) -> Iterator[Diagnostic]:
    """Yield a finding for each resource locator whose constant is no id or address of its mode."""
    for name, each in bound.visible.items():
        value = bound.parameters.get(name)
        if not each.info.formats or not isinstance(value, Mapping) or _by_expression(each, bound):
            continue
        form, text = each.info.formats.get(str(value.get("mode"))), value.get("value")
        if form is None or not isinstance(text, str) or text.startswith("=") or form[0](text):
            continue
        yield InvalidParameter(at=bound.at.within("parameters", name, "value"), reason=form[1])


def _by_expression(declared: Declared, bound: BoundNode) -> bool:
    """Return whether an expression stands where n8n evaluates none, and says with which parameters the node works: n8n does not
    ask for them then.
    """
    deciding = (
        bound.parameters.get(name)
        for name in declared.info.show
        if name in ("resource", "operation") or (name in bound.visible and not bound.visible[name].dynamic)
    )
    return any(isinstance(value, str) and value.startswith("=") for value in deciding)


def _empty(value: Any) -> bool:
    """Return whether n8n counts the value as empty: a text, a list or a resource locator without a value."""
    if isinstance(value, Mapping) and ("__rl" in value or "mode" in value):
        return value.get("value") in (None, "")
    return value in (None, "", [])
