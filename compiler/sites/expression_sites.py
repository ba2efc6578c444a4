"""Find and compile expressions: every string that starts with `=`, anywhere in the parameters, once.

n8n: keys are never evaluated, and only the first character decides.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from compiler.expressions import CompiledExpression, compile_expression, compile_parts, compile_resolvables
from schemas.node import Declared

ParameterPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of a node's parameters."""


@dataclass(frozen=True)
class ExpressionSite:
    """An expression and its path (keys and indexes) within the parameters."""

    at: ParameterPath
    compiled: CompiledExpression

    @property
    def name(self) -> str:
        """The path as an author writes it: `options.headers[0].value`."""
        return dotted(self.at)


@dataclass(frozen=True)
class SpecialParameters:
    """Visible parameters that are text with `{{ }}` or programs, by wire name."""

    resolvable: Mapping[str, str]
    """Wire name -> 'text' or 'json'."""
    programs: Mapping[str, str]
    """Wire name -> language."""
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Wire name of a collection -> its members whose text gives its values one by one."""


@lru_cache(maxsize=4096)  # a third of the expressions of a folder occur more than once
def _compile(text: str) -> CompiledExpression:
    return compile_expression(text)


def dotted(at: ParameterPath) -> str:
    """Return a path within parameters as an author writes it: `options.headers[0].value`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in at).lstrip(".")


def strings(value: Any, at: ParameterPath = ()) -> Iterator[tuple[ParameterPath, str]]:
    """Yield every string in a JSON value with its path."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from strings(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from strings(each, (*at, index))


def text_at(parameters: Mapping[str, Any], at: ParameterPath) -> str:
    """Return the string at a path that `strings` yielded."""
    value: Any = parameters
    for key in at:
        value = value[key]
    return str(value)


def special_parameters(visible: Mapping[str, Declared]) -> SpecialParameters:
    """Return which of the visible parameters hold text with `{{ }}` or a program."""
    return SpecialParameters(
        {name: mode for name, each in visible.items() if isinstance(mode := each.info.resolvables, str)},
        {name: each.info.code for name, each in visible.items() if each.info.code},
        {name: modes for name, each in visible.items() if isinstance(modes := each.info.resolvables, Mapping)},
    )


def find_expressions(
    texts: Iterable[tuple[ParameterPath, str]], special: SpecialParameters
) -> Iterator[ExpressionSite]:
    """Yield the expressions among the strings of effective parameters, in order. Programs are left out."""
    for at, text in texts:
        name = str(at[0])
        if name in special.programs:
            continue
        mode = special.resolvable.get(name) if len(at) == 1 and ("{{" in text or text.startswith("==")) else None
        if mode == "text" or (mode == "json" and text.startswith("=")):  # n8n: raw JSON is filled in behind a `=` only
            yield ExpressionSite(at, compile_resolvables(text, mode))
        elif len(at) == 2 and "{{" in text and at[1] in special.members.get(name, ()):  # a member
            yield ExpressionSite(at, compile_parts(text))
        elif text.startswith("="):
            yield ExpressionSite(at, _compile(text))
