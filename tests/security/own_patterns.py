"""Our own regular expressions, found wherever a module keeps one, with hostile texts made of what they are made of."""

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from re import _constants as constants  # the parser of patterns has no public name
from re import _parser as parser
from typing import Any
from unittest import mock

from tests.security.growth import Text, Work

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "compiler", "runtime", "service", "api", "cli")
SAMPLES = {
    constants.CATEGORY_DIGIT: "1", constants.CATEGORY_NOT_DIGIT: "x", constants.CATEGORY_SPACE: " ",
    constants.CATEGORY_NOT_SPACE: "x", constants.CATEGORY_WORD: "a", constants.CATEGORY_NOT_WORD: "-",
}  # fmt: skip
STRANGERS = ("\x00", "~", "")
"""Ends of a text at which most patterns give up, and none."""
MOST_PREFIXES, MOST_PUMPS = 6, 28


@dataclass(frozen=True)
class OwnPattern:
    """A pattern and the place that keeps it: a module's name, a dot, the pattern's name in it."""

    place: str
    pattern: re.Pattern[Any]
    methods: tuple[str, ...] = ()
    """Those that are called on it; looked up in the sources when none are given, which takes a while."""

    def works(self) -> Iterator[tuple[str, Work]]:
        """Yield each use of the pattern as work on a text."""
        binary = isinstance(self.pattern.pattern, bytes)
        module, _, name = self.place.rpartition(".")
        for method in self.methods or _methods(module, name):
            yield method, _work(getattr(self.pattern, method), binary=binary, every=method == "finditer")

    def texts(self) -> Iterator[tuple[str, Text]]:
        """Yield hostile texts by their description."""
        pumps, prefixes = _pieces(self.pattern)
        for prefix in prefixes:
            for pump in pumps:
                for suffix in STRANGERS:
                    yield f"{prefix!r} {pump!r}… {suffix!r}", _text(prefix, pump, suffix)


def own_patterns() -> list[OwnPattern]:
    """Return every pattern that a module of ours keeps, alone or in a tuple, a list or a mapping."""
    found: dict[int, OwnPattern] = {}
    for module in _modules():
        for name, value in vars(module).items():
            for pattern in _patterns_in(value):
                if id(pattern) not in found:
                    found[id(pattern)] = OwnPattern(f"{module.__name__}.{name}", pattern)
    return sorted(found.values(), key=lambda each: each.place)


def _modules() -> Iterator[Any]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for info in pkgutil.walk_packages(root.__path__, f"{package}."):
            with mock.patch.object(sys, "argv", [info.name]):  # a child process reads its arguments
                yield importlib.import_module(info.name)


def _patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict) and depth < 3:
        for each in value.values():
            yield from _patterns_in(each, depth + 1)
    elif isinstance(value, tuple | list | set | frozenset) and depth < 3:
        for each in value:
            yield from _patterns_in(each, depth + 1)


USES = {"search": "finditer", "sub": "finditer", "finditer": "finditer", "findall": "finditer", "split": "finditer",
        "match": "match", "fullmatch": "fullmatch"}  # fmt: skip


def _methods(module: str, name: str) -> tuple[str, ...]:
    """Return the methods that are called on a pattern where it is kept, or imported; all of them where none is seen."""
    used = {
        method for method, place in _calls().get(name, ()) if place in (module, *_importers().get((module, name), ()))
    }
    return tuple(sorted(used or {"finditer", "match"}))


@cache
def _trees() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }


@cache
def _calls() -> dict[str, set[tuple[str, str]]]:
    """Return name -> methods that are called on it, and the modules that do."""
    calls: dict[str, set[tuple[str, str]]] = {}
    for module, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in USES:
                calls.setdefault(node.value.id, set()).add((USES[node.attr], module))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in USES:
                for each in node.args:  # a reader's own `self.match(PATTERN)`
                    if isinstance(each, ast.Name):
                        calls.setdefault(each.id, set()).add((USES[node.func.attr], module))
    return calls


@cache
def _importers() -> dict[tuple[str, str], list[str]]:
    importers: dict[tuple[str, str], list[str]] = {}
    for module, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for each in node.names:
                    importers.setdefault((node.module or "", each.name), []).append(module)
    return importers


def _work(find: Callable[[Any], Any], *, binary: bool, every: bool) -> Work:
    def work(text: str) -> object:
        found = find(text.encode() if binary else text)
        return [*found] if every else found

    return work


def _text(prefix: str, pump: str, suffix: str) -> Text:
    return lambda length: prefix + pump * (length // len(pump)) + suffix


def _pieces(pattern: re.Pattern[Any]) -> tuple[list[str], list[str]]:
    """Return texts to repeat, and beginnings: what the parts of the pattern match, alone and beside each other."""
    source = pattern.pattern.decode() if isinstance(pattern.pattern, bytes) else pattern.pattern
    parsed = parser.parse(source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    atoms = list(dict.fromkeys(_atoms(parsed)))
    alone = [each for each in atoms if each][:16]
    runs = [a + b for a, b in pairwise(atoms)]
    whole = "".join(_whole(parsed))
    pumps = list(dict.fromkeys([*alone, *runs, whole, " ", "a", "1"]))
    step = max(1, len(whole) // MOST_PREFIXES)
    prefixes = list(dict.fromkeys(["", *(whole[:end] for end in range(step, len(whole) + 1, step))]))
    return [each for each in pumps if each][:MOST_PUMPS], prefixes[: MOST_PREFIXES + 1]


def _atoms(parsed: Iterable[Any]) -> Iterator[str]:
    """Yield one text for every leaf of a pattern, for two neighbours in a class too."""
    for operator, argument in parsed:
        if operator is constants.IN:
            yield from (each for each in map(_sample, argument) if each)
        elif operator is constants.BRANCH:
            for each in argument[1]:
                yield from _atoms(each)
        elif (inner := _inner(operator, argument)) is not None:
            yield from _atoms(inner)
            yield "".join(_whole(inner))
        else:
            yield _leaf(operator, argument)


def _whole(parsed: Iterable[Any]) -> Iterator[str]:
    """Yield the parts of a text that the pattern matches, as far as its leaves say."""
    for operator, argument in parsed:
        if operator is constants.IN:
            yield next((each for each in map(_sample, argument) if each), "~")
        elif operator is constants.BRANCH:
            yield from _whole(argument[1][0])
        elif operator in (constants.ASSERT, constants.ASSERT_NOT):
            continue
        elif (inner := _inner(operator, argument)) is not None:
            yield from _whole(inner)
        else:
            yield _leaf(operator, argument)


def _inner(operator: Any, argument: Any) -> Any:
    if operator in (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT):
        return argument[2]
    if operator is constants.SUBPATTERN:
        return argument[3]
    if operator in (constants.ASSERT, constants.ASSERT_NOT):
        return argument[1]
    return argument if operator is constants.ATOMIC_GROUP else None


def _leaf(operator: Any, argument: Any) -> str:
    if operator is constants.LITERAL:
        return _character(argument)
    if operator is constants.NOT_LITERAL:
        return "a" if argument != ord("a") else "b"
    return "a" if operator is constants.ANY else ""


def _sample(member: Any) -> str:
    operator, argument = member
    if operator is constants.RANGE:
        return _character(argument[0])
    if operator is constants.CATEGORY:
        return SAMPLES[argument]
    return _character(argument) if operator is constants.LITERAL else ""


def _character(point: int) -> str:
    return "" if 0xD800 <= point <= 0xDFFF else chr(point)
