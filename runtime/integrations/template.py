"""Strings with holes: `{chatId}`, `{options.limit ?? 50}`, `{$response.items|first}`.

A hole is alternatives joined by `??`, of which the first that is neither undefined nor null counts. An alternative is a
path, a text in single quotes or a number, followed by filters. A path begins with a parameter, or with a name of the scope
behind `$`. A string that is one hole keeps its value's type. `{{` and `}}` are braces.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS, segment
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "Names",
    "Template",
    "TemplateError",
    "own_name",
    "render",
    "render_path",
    "template_of",
    "unanswered",
    "without_spaces_at_end",
]

_END: Final = frozenset("|?}(), '")
_ANSWERS: Final = ("$response", "$each")
"""Roots that are read strictly where the scope says so."""


class Template(str):
    """A string with holes in a program. Any other string of a program is data, whatever is in it."""

    __slots__ = ()


class TemplateError(ValueError):
    """Raised when a string of a descriptor cannot be read. The message says where."""


class Names(Protocol):
    """Where holes find their values."""

    @property
    def declarative(self) -> bool:
        """Whether the node's requests are written as expressions, in which undefined is an empty text."""

    @property
    def strict(self) -> bool:
        """Whether a member of what an answer has not is an error, as in JavaScript."""

    def root(self, name: str) -> Any:
        """Return a parameter, or a name of the scope (it begins with `$`); UNDEFINED when there is none."""

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a table of the descriptor."""

    def located(self, name: str, value: Any) -> Any:
        """Return the id in a resource locator of this parameter."""


@dataclass(frozen=True)
class _Path:
    root: str
    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the parameter, or of the member of one."""
        return self.keys[-1] if self.keys else self.root

    def value(self, names: Names) -> Any:
        found = names.root(self.root)
        for key in self.keys:
            found = _member(found, key)
        return found

    def needed(self, names: Names) -> Any:
        """Return the value. Raise NodeError where an answer lacks what has it."""
        found = names.root(self.root)
        if self.root == "$response" and found == "":
            found = UNDEFINED  # n8n makes undefined of an answer without a body
        for key in self.keys:
            if found is None or found is UNDEFINED:
                raise unreadable(found, key)
            found = _member(found, key)
        return found


@dataclass(frozen=True)
class _Constant:
    constant: Any

    def value(self, names: Names) -> Any:
        del names
        return self.constant


@dataclass(frozen=True)
class _Alternative:
    term: _Path | _Constant
    filters: tuple[tuple[str, tuple[_Path | _Constant, ...]], ...]

    def value(self, names: Names, *, alone: bool = False) -> Any:
        """Return the value; `alone`: there is no other alternative."""
        term = self.term
        strictly = alone and names.strict and isinstance(term, _Path) and term.root in _ANSWERS
        found = term.needed(names) if strictly and isinstance(term, _Path) else term.value(names)
        for name, arguments in self.filters:
            given = [each.value(names) for each in arguments]
            if name == "locator" and isinstance(self.term, _Path):
                found = names.located(self.term.name, found)
            elif name == "map":
                found = UNDEFINED if found is UNDEFINED else names.table(str(given[0])).get(js_string(found), UNDEFINED)
            elif name == "segment" and found is UNDEFINED and not names.declarative:
                found = "undefined"  # a part of an address that n8n's code puts together
            else:
                found = FILTERS[name](found, *given)
        return found

    @property
    def encodes(self) -> bool:
        """Whether n8n's node encodes the value itself; `path` after a name of the scope only joins what has been encoded."""
        joined = isinstance(self.term, _Path) and self.term.root.startswith("$")
        return any(name == "quote" or (name == "path" and not joined) for name, _ in self.filters)


@dataclass(frozen=True)
class _Hole:
    alternatives: tuple[_Alternative, ...]

    def value(self, names: Names) -> Any:
        found: Any = UNDEFINED
        for each in self.alternatives:
            found = each.value(names, alone=len(self.alternatives) == 1)
            if found is not UNDEFINED and found is not None:
                return found
        return found

    def path(self, names: Names) -> str:
        """Return the value as a segment of a path, or as several where the filter `path` has made them.

        Null is a text, as in JavaScript, and so is a parameter that is undefined, but in declarative nodes both are an empty one.
        """
        found: Any = UNDEFINED
        for each in self.alternatives:
            found = each.value(names, alone=len(self.alternatives) == 1)
            if found is not UNDEFINED and found is not None:
                return _text(found) if ("path", ()) in each.filters else segment(_text(found))
        if len(self.alternatives) > 1:
            return ""
        if names.declarative:
            return ""
        return "null" if found is None else "undefined" if self._is_parameter else ""

    @property
    def encodes(self) -> bool:
        """Whether n8n's node encodes the value itself, so that a space at its end stays."""
        return any(each.encodes for each in self.alternatives)

    @property
    def _is_parameter(self) -> bool:
        term = self.alternatives[0].term
        return isinstance(term, _Path) and term.root != "$response" and not term.keys


@dataclass(frozen=True)
class _Template:
    parts: tuple[str | _Hole, ...]

    def value(self, names: Names) -> Any:
        if len(self.parts) == 1:
            (part,) = self.parts
            return part if isinstance(part, str) else part.value(names)
        return "".join(part if isinstance(part, str) else _text(part.value(names)) for part in self.parts)

    def path(self, names: Names) -> str:
        """Return the path that the template is."""
        made = "".join(part if isinstance(part, str) else part.path(names) for part in self.parts)
        last = self.parts[-1]
        return made if isinstance(last, _Hole) and last.encodes else without_spaces_at_end(made)

    @property
    def is_own_name(self) -> bool:
        """See `own_name`."""
        hole = self.parts[0]
        if len(self.parts) > 1 or isinstance(hole, str) or len(hole.alternatives) > 1:
            return False
        term, filters = hole.alternatives[0].term, hole.alternatives[0].filters
        is_name = isinstance(term, _Path) and term.root.startswith("$") and not term.keys
        return is_name and not filters and term != _Path("$response", ())

    def unanswered(self, answers: Mapping[str, Any]) -> tuple[Any, str] | None:
        """Return the first value without members of which a hole reads one that it has no other alternative for, and its name."""
        holes = (part for part in self.parts if isinstance(part, _Hole) and len(part.alternatives) == 1)
        terms = (hole.alternatives[0].term for hole in holes)
        return next(
            (
                (answers[term.root], term.keys[0])
                for term in terms
                if isinstance(term, _Path) and term.keys and answers.get(term.root, term) in (None, UNDEFINED)
            ),
            None,
        )

    def roots(self) -> set[str]:
        """Return the roots of all paths."""
        terms = [
            term
            for part in self.parts
            if isinstance(part, _Hole)
            for each in part.alternatives
            for term in (each.term, *(given for _, arguments in each.filters for given in arguments))
        ]
        return {term.root for term in terms if isinstance(term, _Path)}


def render(text: str, names: Names) -> Any:
    """Return the value of a string with holes."""
    return template_of(text).value(names)


def render_path(text: str, names: Names) -> str:
    """Return a path with holes: each is a segment, percent-encoded. Raise NodeError for one that leads to another folder."""
    return template_of(text).path(names)


def without_spaces_at_end(path: str) -> str:
    """Return a path without what is no part of an address (WHATWG URL, 4.4)."""
    end = len(path)
    while path.endswith("%20", 0, end):
        end -= 3
    return path[:end]


def own_name(text: str) -> bool:
    """Return whether a string is one hole that reads a name which the descriptor gave (`{$mine}`), and nothing in it."""
    return template_of(text).is_own_name


def unanswered(text: str, answers: Mapping[str, Any]) -> tuple[Any, str] | None:
    """Return the first of some answers, by the name of holes, that has no members although a hole needs one, and which; None: none."""
    return template_of(text).unanswered(answers)


@lru_cache(maxsize=8_192)
def template_of(text: str) -> _Template:
    """Read a string with holes. Raise TemplateError."""
    return _Reader(text).read()


def _member(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(key, UNDEFINED)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if key == "length":
            return len(value)
        return value[int(key)] if key.isdecimal() and int(key) < len(value) else UNDEFINED
    return UNDEFINED


def _text(value: Any) -> str:
    return "" if value is UNDEFINED or value is None else js_string(value)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def read(self) -> _Template:
        parts: list[str | _Hole] = []
        literal = ""
        while self.at < len(self.text):
            two, one = self.text[self.at : self.at + 2], self.text[self.at]
            if two in ("{{", "}}"):
                literal, self.at = literal + one, self.at + 2
            elif one == "{":
                if literal:
                    parts.append(literal)
                    literal = ""
                self.at += 1
                parts.append(self._hole())
            else:
                literal, self.at = literal + one, self.at + 1
        if literal or not parts:
            parts.append(literal)
        return _Template(tuple(parts))

    def _hole(self) -> _Hole:
        alternatives = [self._alternative()]
        while self._take("??"):
            alternatives.append(self._alternative())
        self._expect("}")
        return _Hole(tuple(alternatives))

    def _alternative(self) -> _Alternative:
        term, filters = self._term(), []
        while self._take("|"):
            name = self._word()
            if name not in FILTERS and name != "map":
                raise TemplateError(f"{self.text!r}: there is no filter {name!r}")
            arguments = list[_Path | _Constant]()
            if self._take("("):
                while not self._take(")"):
                    arguments.append(self._term())
                    self._take(",")
            filters.append((name, tuple(arguments)))
        return _Alternative(term, tuple(filters))

    def _term(self) -> _Path | _Constant:
        self._space()
        if self.text[self.at : self.at + 1] == "'":
            end = self.text.find("'", self.at + 1)
            if end < 0:
                raise TemplateError(f"{self.text!r}: a quote is not closed")
            constant, self.at = self.text[self.at + 1 : end], end + 1
            return _Constant(constant)
        word = self._word()
        if word[0].isdigit() or word[0] == "-" or word in ("true", "false", "null"):
            try:
                return _Constant(json.loads(word))
            except ValueError as error:
                raise TemplateError(f"{self.text!r}: {word!r} is no number") from error
        root, *keys = word.split(".")
        return _Path(root, tuple(keys))

    def _word(self) -> str:
        self._space()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _END:
            self.at += 1
        if start == self.at:
            raise TemplateError(f"{self.text!r}: a name is missing at character {self.at + 1}")
        return self.text[start : self.at]

    def _take(self, token: str) -> bool:
        self._space()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise TemplateError(f"{self.text!r}: {token!r} is missing at character {self.at + 1}")

    def _space(self) -> None:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
