"""Documents name only what exists: links, anchors, files, modules and make targets.

A path counts as one of the repository when its first folder is one of ours (`runtime/worker.py`), or when it ends in `.py`
(`embedded/leash.py` may leave out how it begins). `<name>` and `*` stand for anything. Fenced blocks are read for modules and
make targets only; the changelog names files of the past.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from runtime.integrations.index import types

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "compiler", "runtime", "service", "api", "cli", "tests", "bench")
FOLDERS = (*PACKAGES, "n8n_exports", "migrations", "deploy", "docs", ".ci", ".github", ".devcontainer", ".vscode")

FENCE = re.compile(r"^ *(```+|~~~+)[^`\n]*\n.*?^ *\1 *$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(r"[\w.<>*-]+(/[\w.<>*-]+)*/?")
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]\n]+\]:\s+(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
MODULE = re.compile(r"python3? -m ([\w.]+)")
TARGET = re.compile(r"(?:^|&& |- run: |\$ )make ([a-z-]+)", re.MULTILINE)

EXAMPLES = {"long_waits", "initials", "sockets", "count", "review_triage_specialist"}
"""What the reader of a guide (`docs/adding-*.md`) writes: of files with these names only the folder must exist."""

CALL = re.compile(r"make [a-z-]+( \w+=\S+)*")
"""`make TARGET` alone: the hint of a diagnostic may begin with "make sure"."""


@cache
def entries() -> frozenset[str]:
    """Every file of the repository and every folder that holds one, as `a/b`."""
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    files = [path.relative_to(ROOT) for path in (*ROOT.iterdir(), *below) if path.is_file()]
    return frozenset({each.as_posix() for file in files for each in (file, *file.parents)})


def documents() -> list[Path]:
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / ".github").rglob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


def without_fences(text: str) -> str:
    """The same text with fenced blocks emptied, so that offsets and line numbers stay."""
    return FENCE.sub(lambda block: re.sub(r"[^\n]", " ", block.group()), text)


def line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def anchors(text: str) -> set[str]:
    """The ids that GitHub gives to headings."""
    result: set[str] = set()
    for heading in HEADING.findall(without_fences(text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number, unique = 0, slug
        while unique in result:
            number += 1
            unique = f"{slug}-{number}"
        result.add(unique)
    return result


def exists(path: str) -> bool:
    """Whether a path that prose names is there, from the root or (`.py` only) anywhere below it."""
    pattern = re.sub(r"<[^>]*>", "*", path.rstrip("/"))
    if "*" in pattern:
        return any(fnmatchcase(entry, pattern) for entry in entries())
    return pattern in entries() or (
        pattern.endswith(".py") and any(entry.endswith(f"/{pattern}") for entry in entries())
    )


def is_ours(path: str) -> bool:
    folder, slash, _ = path.partition("/")
    return PATH.fullmatch(path) is not None and (path.endswith(".py") or (folder in FOLDERS and bool(slash)))


def broken_links(document: Path) -> Iterator[str]:
    """Relative links whose file or heading is missing."""
    text = document.read_text(encoding="utf-8")
    prose = without_fences(text)
    spans = [span.span() for span in SPAN.finditer(prose)]
    for match in LINK.finditer(prose):
        if any(start <= match.start() and match.end() <= end for start, end in spans):
            continue
        target = match.group(1) or match.group(2)
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists():
            yield f"{line(text, match.start())}: the link to {target}: no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"{line(text, match.start())}: the link to {target}: no such heading"


def missing_files(document: Path) -> Iterator[str]:
    """Inline code that looks like a path of the repository and is none."""
    text = document.read_text(encoding="utf-8")
    for span in SPAN.finditer(without_fences(text)):
        for word in span.group(1).split():
            example = document.name.startswith("adding-") and Path(word).stem in EXAMPLES
            if is_ours(word) and not exists(str(Path(word).parent) if example else word):
                yield f"{line(text, span.start())}: `{word}`: no such file or folder"


def missing_modules(document: Path) -> Iterator[str]:
    """`python -m` of a module of ours that is none."""
    text = document.read_text(encoding="utf-8")
    for match in MODULE.finditer(text):
        path = match.group(1).replace(".", "/")
        if path.split("/")[0] in PACKAGES and not {f"{path}.py", f"{path}/__main__.py"} & entries():
            yield f"{line(text, match.start())}: python -m {match.group(1)}: no such module"


def missing_targets(document: Path) -> Iterator[str]:
    """`make` of a target that the Makefile does not have, in inline code or a fenced block."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = document.read_text(encoding="utf-8")
    blocks = [(block.start(), block.group()) for block in FENCE.finditer(text)]
    spans = [
        (span.start(1), span.group(1)) for span in SPAN.finditer(without_fences(text)) if CALL.fullmatch(span.group(1))
    ]
    for offset, code in (*blocks, *spans):
        for match in TARGET.finditer(code):
            if match.group(1) not in targets:
                yield f"{line(text, offset + match.start())}: make {match.group(1)}: no such target"


CHECKS = {"link": broken_links, "file": missing_files, "module": missing_modules, "make target": missing_targets}


@pytest.mark.parametrize("kind", CHECKS)
def test_every_link_file_module_and_target_that_a_document_names_exists(kind: str) -> None:
    faults = [
        f"{document.relative_to(ROOT)}:{fault}"
        for document in documents()
        if kind != "file" or document.name != "CHANGELOG.md"
        for fault in CHECKS[kind](document)
    ]
    assert not faults, "Write the new name, or take the sentence out:\n" + "\n".join(faults)


def test_every_page_that_the_site_lists_exists() -> None:
    pages = re.findall(r'"([\w./-]+\.md)"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert pages
    assert [page for page in pages if not (ROOT / "docs" / page).is_file()] == []


def test_every_path_that_has_owners_exists() -> None:
    rows = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    paths = [row.split()[0] for row in rows if row.startswith("/")]
    assert paths
    assert [path for path in paths if not (ROOT / path.lstrip("/")).exists()] == []


BAD = """# One heading
[a](nowhere.md) [b](#two-headings) [c](#one-heading) `[d](in-code.md)` [e](https://n8n.io/nowhere)
`runtime/nowhere.py`, `nowhere_either.py`, `runtime/<any>/`, `/webhook/x`, `application/json`, `tests/no*where/`
```
[f](in-a-fence.md) `runtime/in_a_fence.py`
python -m tests.nowhere && make nothing
```
`python -m tests.conformance`, `make test`
"""


def test_what_does_not_exist_is_found(tmp_path: Path) -> None:
    document = tmp_path / "bad.md"
    document.write_text(BAD, encoding="utf-8")
    assert list(broken_links(document)) == [
        "2: the link to nowhere.md: no such file",
        "2: the link to #two-headings: no such heading",
    ]
    assert list(missing_files(document)) == [
        "3: `runtime/nowhere.py`: no such file or folder",
        "3: `nowhere_either.py`: no such file or folder",
        "3: `tests/no*where/`: no such file or folder",
    ]
    assert list(missing_modules(document)) == ["6: python -m tests.nowhere: no such module"]
    assert list(missing_targets(document)) == ["6: make nothing: no such target"]


def test_every_decision_is_in_their_list_once() -> None:
    """Under the title that its record has."""
    folder = ROOT / "docs" / "decisions"
    rows = re.findall(
        r"^\| \[(\d{4})\]\((\S+)\) \| (.+?) \| \d{4}-\d\d-\d\d \|$", (folder / "index.md").read_text(), re.MULTILINE
    )
    records = sorted(folder.glob("[0-9]*.md"))
    assert sorted(name for _, name, _ in rows) == [each.name for each in records]
    titles = {each.name: each.read_text().split("\n", 1)[0] for each in records}
    assert [
        name for number, name, title in rows if not re.fullmatch(rf"# {number}[.:] {re.escape(title)}", titles[name])
    ] == []


def test_the_readme_counts_vendors_and_specialists_as_they_are() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    folders = types()
    triggers = {folder for type_, folder in folders.items() if type_.endswith("Trigger")}
    specialists = list((ROOT / "runtime/agents/specialists").glob("*.yaml"))
    assert f"the nodes of {len(set(folders.values()))} vendors" in text
    assert f"Triggers of {len(triggers)} vendors" in text
    assert f"{len(specialists)} [specialist agents]" in text
