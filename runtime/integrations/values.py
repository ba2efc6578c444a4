"""Values of a descriptor: JSON whose strings have holes, and objects that are directives. A member without a value is dropped.

Values of a program are data: nothing in them is read, keys and directives included, but for strings that are a `Template`.

| directive | value |
|---|---|
| `{$if: condition, $then: value, $else: value}` | one of the two |
| `{$each: list, $value: value, $where: condition}` | a list: the value per element, which is `$each` in it (`$index` its place) |
| `{$merge: [object, ...]}` | one object; a later member wins |
| `{$fields: object, drop, only, rename, case, convert, truthy}` | n8n's "additional fields" as members of a request; `truthy`: those that are true |
| `{$object: list, name, value}` | an object of a list of `{name, value}` |
| `{$call: function}` | what a function of the vendor's module returns for the scope |
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from runtime.integrations.answers import iterated
from runtime.integrations.filters import FILTERS, is_empty, snake_case
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template, own_name, render, render_path, without_spaces_at_end
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED
from schemas.node import visible

__all__ = ["DIRECTIVES", "elements", "evaluate", "evaluate_path", "holds"]

_CASES: Final[Mapping[str, Callable[[str], str]]] = {"snake": snake_case}


def evaluate(value: Any, scope: Scope) -> Any:
    """Return what a value of a descriptor is in a scope; UNDEFINED when it has none. Raise NodeError."""
    if isinstance(value, str):
        return render(value, scope) if isinstance(value, Template) or not scope.of_program else value
    if isinstance(value, list | tuple):
        return [each for each in (evaluate(each, scope) for each in value) if each is not UNDEFINED]
    if not isinstance(value, Mapping):
        return value
    if scope.of_program:
        members = {key: evaluate(each, scope) for key, each in value.items()}
        return {key: each for key, each in members.items() if each is not UNDEFINED}
    for name, directive in DIRECTIVES.items():
        if name in value:
            return directive(value, scope)
    members = {key: evaluate(each, scope) for key, each in value.items()}
    return {
        js_string(render(key, scope)) if "{" in key else key: each
        for key, each in members.items()
        if each is not UNDEFINED
    }


def evaluate_path(value: Any, scope: Scope) -> str:
    """Return the path of a request: what holes give is one segment of it, percent-encoded. Raise NodeError.

    A hole with the filter `path` gives several segments.
    """
    if isinstance(value, Mapping) and "$if" in value and not scope.of_program:
        chosen = "$then" if holds(value["$if"], scope) else "$else"
        return evaluate_path(value.get(chosen, ""), scope)
    if isinstance(value, Template) or (isinstance(value, str) and not scope.of_program):
        return render_path(value, scope)
    found = evaluate(value, scope)
    return "" if found is UNDEFINED or found is None else without_spaces_at_end(js_string(found))


def holds(condition: Any, scope: Scope) -> bool:
    """Return whether a condition holds.

    Args:
        condition: a string with a hole is true if its value is in JavaScript, a name of the scope (`{$mine}`) if it is not empty; an
            object is n8n's display conditions over parameters (`@version` too), a scalar standing for a list of it, where
            `true` and `false` ask for what is so in JavaScript, or `{any: [...]}`, `{all: [...]}`, `{not: ...}`, or
             `{$call: function}`;
            None always holds.
        scope: where it is evaluated.
    """
    if condition is None or isinstance(condition, bool):
        return condition is not False
    if isinstance(condition, str):
        return _is_true(condition, evaluate(condition, scope))
    if "$call" in condition:
        return bool(_call(condition, scope))
    if "any" in condition:
        return any(holds(each, scope) for each in condition["any"])
    if "all" in condition:
        return all(holds(each, scope) for each in condition["all"])
    if "not" in condition:
        return not holds(condition["not"], scope)
    show = {name: each if isinstance(each, list) else [each] for name, each in condition.items()}
    flags = {name for name, wanted in show.items() if _is_flag(wanted) and (name in scope.parameters or not wanted[0])}
    if not all(truthy(scope.parameters.get(name)) is show[name][0] for name in flags):
        return False
    return visible({name: show[name] for name in show.keys() - flags}, {}, scope.parameters, scope.version)


def _is_flag(wanted: list[Any]) -> bool:
    return len(wanted) == 1 and isinstance(wanted[0], bool)


def _is_true(condition: str, value: Any) -> bool:
    """Return whether n8n's code would take a value for true. What a descriptor has found itself is so where it is not empty."""
    return bool(value) and value is not UNDEFINED if own_name(condition) else truthy(value)


def _if(value: Mapping[str, Any], scope: Scope) -> Any:
    chosen = "$then" if holds(value["$if"], scope) else "$else"
    return evaluate(value[chosen], scope) if chosen in value else UNDEFINED


def _each(value: Mapping[str, Any], scope: Scope) -> Any:
    items = elements(value["$each"], scope)
    if items is UNDEFINED or items is None:
        return UNDEFINED
    made = []
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        inner = scope.having(each=item, index=index)
        if holds(value.get("$where"), inner):
            made.append(evaluate(value.get("$value", "{$each}"), inner))
    return [each for each in made if each is not UNDEFINED]


def elements(value: Any, scope: Scope) -> Any:
    """Return what a loop goes through. Raise NodeError for a member of an answer that is no list, where the scope is strict."""
    found = evaluate(value, scope)
    if not scope.strict or not (isinstance(value, str) and value.startswith("{$response")):
        return found
    return iterated(found, value.strip("{$}"))


def _merge(value: Mapping[str, Any], scope: Scope) -> Any:
    merged: dict[str, Any] = {}
    for part in value["$merge"]:
        found = evaluate(part, scope)
        merged |= found if isinstance(found, Mapping) else {}
    return merged


def _fields(value: Mapping[str, Any], scope: Scope) -> Any:
    source = evaluate(value["$fields"], scope)
    if not isinstance(source, Mapping):
        return {}
    drop, only, rename = value.get("drop", ()), value.get("only"), value.get("rename", {})
    case = _CASES[value["case"]] if "case" in value else str
    convert, made = value.get("convert", {}), {}
    for name, member in source.items():
        if name in drop or (only is not None and name not in only) or member is UNDEFINED:
            continue
        if (value.get("nonempty") and is_empty(member)) or (value.get("truthy") and not truthy(member)):
            continue
        found = member
        for each in convert.get(name, ()) if isinstance(convert.get(name), list) else [convert.get(name)]:
            if each is None:
                continue
            found = evaluate(each, scope.having(each=found)) if "{" in each else FILTERS[each](found)
        if found is not UNDEFINED:
            made[rename.get(name) or case(name)] = found
    return made


def _object(value: Mapping[str, Any], scope: Scope) -> Any:
    source = evaluate(value["$object"], scope)
    name, member = value.get("name", "name"), value.get("value", "value")
    if not isinstance(source, list):
        return UNDEFINED
    return {js_string(each.get(name, "")): each.get(member) for each in source if isinstance(each, Mapping)}


def _call(value: Mapping[str, Any], scope: Scope) -> Any:
    return scope.function(value["$call"])(scope)


DIRECTIVES: Final[Mapping[str, Callable[[Mapping[str, Any], Scope], Any]]] = {
    "$if": _if,
    "$each": _each,
    "$merge": _merge,
    "$fields": _fields,
    "$object": _object,
    "$call": _call,
}
