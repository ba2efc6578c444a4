"""JSON Schema for values of a model. Schemas are an author's or a foreign server's, so their patterns run on RE2."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from runtime.values.patterns import BadPatternError, ScriptNeeded, compile_pattern


def _pattern(_validator: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict) or not isinstance(patterns, Mapping):
        return
    for pattern, subschema in patterns.items():
        for name in [name for name in instance if _found(pattern, name)]:
            yield from validator.descend(instance[name], subschema, path=name, schema_path=pattern)


def _found(pattern: Any, text: str) -> bool:
    """Return whether a pattern matches somewhere. One that RE2 does not know constrains nothing."""
    try:
        return compile_pattern(str(pattern)).test(text)
    except (BadPatternError, ScriptNeeded):
        return True


_RULES: Final = {"pattern": _pattern, "patternProperties": _pattern_properties}
SchemaValidator: Final = extend(Draft7Validator, _RULES)  # type: ignore[no-untyped-call]  # its stub says nothing
