"""Checks of an answer that need no judgement: fields, ranges, words that must or must not be there."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, model_validator

__all__ = ["Check", "values_at"]

_ABSENT: Final = object()


class Check(BaseModel):
    """Conditions for one field of the answer. With several conditions all must hold.

    `field` is a path: `tier`, `counts.fit`, `reasons.0`, `changes.*.percent` (every element); empty: the whole answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = ""
    equals: Any = None
    """Every value at the path is this one; numbers to nine digits."""
    one_of: list[Any] | None = None
    """Every value is one of these."""
    includes: Any = None
    """At least one value is this one; a list: one of them."""
    excludes: Any = None
    """No value is this one."""
    min: float | None = None
    max: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    mentions: list[str] | None = None
    """At least one of these texts is somewhere in the values, in any case of letters."""
    absent: list[str] | None = None
    """None of these texts is anywhere in the values."""

    @model_validator(mode="after")
    def _has_a_condition(self) -> "Check":
        if not self.model_fields_set - {"field"}:
            raise ValueError("a check needs a condition")
        return self

    def failures(self, answer: Any) -> list[str]:
        """Return what does not hold, in words; empty when the check passes."""
        values = list(values_at(answer, self.field))
        name = self.field or "the answer"
        if any(value is _ABSENT for value in values):
            return [f"{name}: not in the answer"]
        found = json.dumps(values[0] if len(values) == 1 else values, ensure_ascii=False)
        text = "\n".join(_texts(values)).casefold()
        return [
            f"{name}: {self._words(condition)}, found {found[:200]}"
            for condition in self.model_fields_set - {"field"}
            if not self._holds(condition, values, text)
        ]

    def _words(self, condition: str) -> str:
        return f"{condition.replace('_', ' ')} {json.dumps(getattr(self, condition), ensure_ascii=False)}"

    def _holds(self, condition: str, values: list[Any], text: str) -> bool:
        wanted = getattr(self, condition)
        match condition:
            case "equals":
                return all(_same(value, wanted) for value in values)
            case "one_of":
                return all(any(_same(value, each) for each in wanted) for value in values)
            case "includes":
                accepted = wanted if isinstance(wanted, list) else [wanted]
                return any(_same(value, each) for value in _elements(values) for each in accepted)
            case "excludes":
                return not any(_same(value, wanted) for value in _elements(values))
            case "mentions":
                return any(each.casefold() in text for each in wanted)
            case "absent":
                return not any(each.casefold() in text for each in wanted)
        return all(_within(condition, value, wanted) for value in values)


def values_at(answer: Any, path: str) -> Iterator[Any]:
    """Yield the values at a path, or a mark that no other value equals where a part of it does not exist."""
    if not path:
        yield answer
        return
    head, _, rest = path.partition(".")
    if head == "*" and isinstance(answer, list):
        for each in answer:
            yield from values_at(each, rest)
    elif isinstance(answer, list) and head.isdigit() and int(head) < len(answer):
        yield from values_at(answer[int(head)], rest)
    elif isinstance(answer, dict) and head in answer:
        yield from values_at(answer[head], rest)
    else:
        yield _ABSENT


def _within(condition: str, value: Any, wanted: float) -> bool:
    kind, _, size = condition.partition("_")
    measured: float | None
    if size == "items":
        measured = len(value) if isinstance(value, list) else None
    elif size == "length":
        measured = len(value) if isinstance(value, str) else None
    else:
        measured = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return measured is not None and (measured >= wanted if kind == "min" else measured <= wanted)


def _elements(values: list[Any]) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, list) else [value]


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return math.isclose(value, wanted, rel_tol=1e-9)
    return bool(value == wanted)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of keys and values, and numbers as JSON writes them."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield value if isinstance(value, str) else json.dumps(value)
