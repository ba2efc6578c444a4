"""From the paths on the command line to files, in a fixed order."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import typer

STDIN: Final = "-"
MAX_LISTED_ENDINGS: Final = 5
"""Endings of files that a message names."""


def files(paths: Iterable[Path], exclude: Iterable[str] = ()) -> list[str]:
    """Return every file named, and every `*.json` in the folders named (hidden folders apart), each once.

    Raises:
        typer.BadParameter: a path does not exist.
    """
    patterns = list(exclude)
    names = (name for path in paths for name in _expand(path) if not any(fnmatch(name, each) for each in patterns))
    return list(dict.fromkeys(names))


def _expand(path: Path) -> Iterator[str]:
    if str(path) == STDIN:
        yield STDIN
    elif path.is_dir():
        inside = (each for each in path.rglob("*.json") if each.is_file())
        yield from sorted(str(each) for each in inside if not _hidden(each.relative_to(path)))
    elif path.exists():
        yield str(path)
    else:
        raise typer.BadParameter(f"{path} does not exist")


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def nothing_in(paths: Iterable[Path], exclude: Iterable[str] = ()) -> str:
    """Return why there is no file below these paths."""
    listed = list(paths)
    if any(files([path]) for path in listed):
        return f"every file is excluded by {', '.join(exclude)}"
    folders = ", ".join(str(path) for path in listed)
    endings = sorted({each.suffix for path in listed for each in path.rglob("*") if each.is_file()})
    other = (
        f"; its files end in {', '.join(each or '(nothing)' for each in endings[:MAX_LISTED_ENDINGS])}"
        if endings
        else ""
    )
    return f"there is no *.json file in {folders}{other}. Name a file to have it read whatever its name ends in"


def plan_files(names: Iterable[str]) -> dict[str, str]:
    """Return file -> name of its plan, without ending: its stem, or its path where stems repeat."""
    listed = list(names)
    stems = Counter(Path(name).stem for name in listed)
    targets: dict[str, str] = {}
    for name in listed:
        path = Path("stdin" if name == STDIN else name).with_suffix("")
        key = "<stdin>" if name == STDIN else name
        targets[key] = (
            path.name
            if stems[path.name] <= 1
            else "__".join(part for part in path.parts if part not in ("/", "..", "."))
        )
    return targets


def known_workflows(names: Iterable[str]) -> frozenset[str]:
    """Return ids and names of the workflows in these files: what they may call. Files that cannot be read have none."""
    import orjson

    workflows: set[str] = set()
    for name in names:
        try:
            document = orjson.loads(content(name)) if name != STDIN else None
        except (OSError, ValueError):
            continue
        for each in document if isinstance(document, list) else [document]:
            if isinstance(each, dict):
                workflows.update(str(each[key]) for key in ("id", "name") if each.get(key))
        workflows.add(Path(name).stem)
    return frozenset(workflows)


def content(name: str) -> bytes:
    """Return the bytes of a file, or of standard input. Raises OSError."""
    return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
