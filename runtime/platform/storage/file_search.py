"""Files below a folder by pattern. What a pattern looks at is counted, whether it matches or not: nothing walks without end."""

import fnmatch
import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from runtime.values.problem import ProblemError

__all__ = ["find_files", "relative_path"]

MAX_LOOKED: Final = 100_000
"""Names that one search looks at, over all the patterns that braces stand for."""
MAX_MATCHES: Final = 10_000
"""Files that a pattern may match."""
MAX_PATTERNS: Final = 1000
"""Patterns that one with `{a,b}` may stand for."""
MAX_BRACES: Final = 100
MAX_RECURSIONS: Final = 4
"""Each `**` of a pattern goes through all folders that the one before it finds."""
RECURSION: Final = "**"
WILD: Final = frozenset("*?[")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")


def find_files(root: Path, pattern: str, *, literal_brackets: bool = True) -> list[str]:
    """Return the paths, from the root on, of the files that match `*`, `?`, `**` and `{a,b}`, sorted. Blocks.

    As a shell does it leaves out hidden names unless the pattern has the dot. A link that leads out of the root is not followed.

    Args:
        root: a folder, as a real path.
        pattern: from the root on.
        literal_brackets: `[` stands for itself, and not for a choice of characters.

    Raises:
        ProblemError: the pattern stands for too many patterns, leads through too many names, or matches too many files.
    """
    search, matches = _Search(root, pattern), set[str]()
    for each in _expanded(pattern):
        if each.count(RECURSION) > MAX_RECURSIONS:
            raise ProblemError(f"'{pattern}' has more than {MAX_RECURSIONS} times **")
        relative = relative_path(each)
        segments = (relative.replace("[", "[[]") if literal_brackets else relative).split("/")
        for name in search.walk(segments):
            if search.is_file(name):
                matches.add("/" + name)
            if len(matches) > MAX_MATCHES:
                raise ProblemError(f"'{pattern}' matches more than {MAX_MATCHES:,} files")
    return sorted(matches)


@dataclass(frozen=True)
class _Folder:
    """A folder that a search has come to."""

    path: str
    """From the root on, by the names that led here, with a slash at its end; empty for the root."""
    place: Path
    """Where it really is."""
    links: frozenset[Path] = frozenset()
    """The places of links that led here."""


class _Search:
    """One search: what it has looked at, and its root."""

    def __init__(self, root: Path, pattern: str) -> None:
        self._root, self._pattern, self._looked = root, pattern, 0

    def walk(self, segments: list[str]) -> Iterator[str]:
        """Yield the names of files and folders that match, with slashes, relative to the root."""
        todo = [(_Folder("", self._root), 0)]
        while todo:
            folder, at = todo.pop()
            segment, is_last = segments[at], at + 1 == len(segments)
            if segment == RECURSION and not is_last:
                todo.append((folder, at + 1))
            for name in self._names(folder, segment):
                if is_last:
                    yield f"{folder.path}{name}"
                if segment == RECURSION or not is_last:
                    inner = self._inner(folder, name)
                    if inner is not None:
                        todo.append((inner, at if segment == RECURSION else at + 1))

    def is_file(self, name: str) -> bool:
        """Return whether a name is a file that is really below the root, wherever links lead."""
        place = Path(os.path.realpath(self._root / name))
        return place.is_relative_to(self._root) and place.is_file()

    def _names(self, folder: _Folder, segment: str) -> Iterator[str]:
        """Yield the names in a folder that a segment stands for."""
        if not WILD & set(segment):
            self._look()
            if os.path.lexists(folder.place / segment):
                yield segment
            return
        try:
            with os.scandir(folder.place) as entries:
                for entry in entries:
                    self._look()
                    hidden = entry.name.startswith(".") and not segment.startswith(".")
                    if not hidden and (segment == RECURSION or fnmatch.fnmatchcase(entry.name, segment)):
                        yield entry.name
        except OSError:  # not ours to read, or gone
            return

    def _inner(self, folder: _Folder, name: str) -> _Folder | None:
        """Return the folder of a name; None for a file, and for a link out of the root, or to where this way has been."""
        place, links = folder.place / name, folder.links
        if place.is_symlink():
            place = Path(os.path.realpath(place))
            if not place.is_relative_to(self._root) or place in links or folder.place.is_relative_to(place):
                return None
            links |= {place}
        return _Folder(f"{folder.path}{name}/", place, links) if place.is_dir() else None

    def _look(self) -> None:
        self._looked += 1
        if self._looked > MAX_LOOKED:
            raise ProblemError(
                f"'{self._pattern}' leads through more than {MAX_LOOKED:,} files and folders",
                description="Begin the pattern with the folder that the files are in.",
            )


def relative_path(path: str) -> str:
    """Return a path relative to the root: `..` never leads above it. Raise ProblemError for one that no system takes."""
    if "\0" in path:
        raise ProblemError("A path cannot hold a null character")
    parts: list[str] = []
    for part in PurePosixPath("/" + path).parts[1:]:
        if part == "..":
            parts[-1:] = []
        elif part != "/":
            parts.append(part)
    return "/".join(parts)


def _expanded(pattern: str) -> list[str]:
    """Return the patterns that a pattern with `{a,b}` stands for. Raise ProblemError when they are too many."""
    patterns = [pattern]
    for _ in range(MAX_BRACES):
        spans = [_BRACES.search(each) for each in patterns]
        if not any(spans):
            return patterns
        expanded = [
            [each]
            if span is None
            else [each[: span.start()] + choice + each[span.end() :] for choice in span[1].split(",")]
            for each, span in zip(patterns, spans, strict=True)
        ]
        patterns = list(dict.fromkeys(itertools.chain.from_iterable(expanded)))
        if len(patterns) > MAX_PATTERNS:
            break
    raise ProblemError(f"The pattern stands for more than {MAX_PATTERNS:,} patterns, or has too many braces")
