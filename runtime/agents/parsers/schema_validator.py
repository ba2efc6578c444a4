"""JSON Schema for values of a model. Schemas are an author's or a foreign server's: a reference leads nowhere but into the schema,
patterns run on RE2, and the work has a bound.
"""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from runtime.agents.parsers.text_formats import FORMATS
from runtime.values.patterns import BadPatternError, ScriptNeeded, compile_pattern

__all__ = ["MAX_RULES", "errors_of"]

MAX_RULES: Final = 100_000
"""Rules that are applied to a value and its parts, about a third of a second of work. References may multiply a short schema without end."""
COSTS: Final = {"$ref": 5}
"""Rules that count as several, by the time they take."""
_NOTHING: Final = Registry[Any]()
"""What references outside of a schema lead to."""
_left: ContextVar[int] = ContextVar("rules_left", default=MAX_RULES)


class _TooMuchError(Exception):
    """The bound is reached."""


def errors_of(value: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Yield what is wrong with a value. What cannot be looked up, or is beyond the bound, constrains nothing."""
    token = _left.set(MAX_RULES)
    try:
        errors = list(_Validator(_plain(schema), registry=_NOTHING).iter_errors(value))
    except (_TooMuchError, RecursionError):
        errors = []
    finally:
        _left.reset(token)
    yield from errors


def _plain(schema: Any) -> Any:
    """Return a schema without `$schema`, by which a part of it would choose another validator than ours; `nullable` as a type."""
    if isinstance(schema, Mapping):
        named = {key: each for key, each in schema.items() if key != "$schema" or not isinstance(each, str)}
        plain = {key: _plain(each) for key, each in named.items()}
        if plain.get("nullable") is True and isinstance(plain.get("type"), str):
            plain["type"] = [plain["type"], "null"]
        return plain
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema


def _reference(validator: Any, reference: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Apply what a reference within the schema names. The library would fetch any other, past the guard and from files, too."""
    try:
        yield from validator._validate_reference(ref=reference, instance=instance)  # noqa: SLF001  # as its own rule does
    except (Unresolvable, AttributeError, TypeError, ValueError):
        return


def _unchecked(_validator: Any, _value: Any, _instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """n8n does not check it either, and the library would compare each value with each."""
    return iter(())


def _format(_validator: Any, name: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    fits = FORMATS.get(name) if isinstance(name, str) else None
    if fits is not None and isinstance(instance, str) and not fits(instance):
        yield ValidationError(f"{instance!r} is not a {name!r}")


def _pattern(_validator: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict) or not isinstance(patterns, Mapping):
        return
    for pattern, subschema in patterns.items():
        for name in [name for name in instance if _found(pattern, name)]:
            yield from validator.descend(instance[name], subschema, path=name, schema_path=pattern)


def _additional(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Apply `additionalProperties`: the library's rule joins the patterns of the schema to one of Python's."""
    if not isinstance(instance, dict):
        return
    patterns = list(schema.get("patternProperties") or ())
    known = schema.get("properties") or {}
    extras = [name for name in instance if name not in known and not any(_found(each, name) for each in patterns)]
    if isinstance(allowed, Mapping):
        for name in extras:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extras:
        listed = ", ".join(map(repr, sorted(extras, key=str)))
        verb = "was" if len(extras) == 1 else "were"
        yield ValidationError(f"Additional properties are not allowed ({listed} {verb} unexpected)")


def _found(pattern: Any, text: str) -> bool:
    """Return whether a pattern matches somewhere. One that RE2 does not know constrains nothing."""
    try:
        return compile_pattern(str(pattern)).test(text)
    except (BadPatternError, ScriptNeeded):
        return True


def _counted(rule: Callable[..., Any], cost: int) -> Callable[..., Iterator[ValidationError]]:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        left = _left.get()
        if left <= 0:
            raise _TooMuchError
        _left.set(left - cost)
        yield from rule(validator, value, instance, schema) or ()

    return counted


_OWN: Final = {
    "$ref": _reference, "format": _format, "uniqueItems": _unchecked, "pattern": _pattern, "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
}  # fmt: skip
_RULES: Final = {
    name: _counted(rule, COSTS.get(name, 1)) for name, rule in {**Draft7Validator.VALIDATORS, **_OWN}.items()
}
_Validator: Final = extend(Draft7Validator, _RULES)  # type: ignore[no-untyped-call]  # its stub says nothing
