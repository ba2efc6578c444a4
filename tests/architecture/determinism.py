"""Walks what a module imports of ours, and reports each line that could give another result on replay.

It reads source and runs nothing. What is not on the lists below is reported, so that a new import needs a decision.
"""

import ast
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["Read", "reads"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STANDARD: Final = _words(
    """__future__ abc ast base64 binascii bisect calendar codecs collections collections.abc contextlib contextvars copy dataclasses
    datetime difflib email email.message email.policy enum fractions functools hashlib heapq hmac html html.entities
    itertools json math operator re string struct textwrap types typing unicodedata urllib.parse zlib"""
)
"""Modules of Python that compute and reach nothing outside, but for the names in `DENIED`."""

PARTS: Final[Mapping[str, frozenset[str]]] = {
    "asyncio": frozenset(
        {"CancelledError", "Lock", "Queue", "Task", "TimeoutError", "create_task", "current_task", "wait_for"}
    ),
    "email.utils": frozenset({"formatdate", "getaddresses", "parseaddr"}),
    "mimetypes": frozenset({"MimeTypes"}),
    "pathlib": frozenset({"PurePath", "PurePosixPath", "PureWindowsPath"}),
    "random": frozenset({"Random"}),
    "sys": frozenset({"float_info", "maxsize", "maxunicode", "version_info"}),
    "uuid": frozenset({"NAMESPACE_URL", "UUID", "uuid3", "uuid5"}),
    "zoneinfo": frozenset({"ZoneInfo", "ZoneInfoNotFoundError"}),
}
"""The names that may be used of a module whose other names read the world. Of asyncio: what Temporal's event loop runs in the
same order on replay. Time zones are data of a pinned package.
"""

DENIED: Final = _words(
    "datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today "
    "datetime.date.fromtimestamp hashlib.file_digest"
)
"""Names that read a clock, the machine's time zone or a file."""

LOOKED_UP: Final[Mapping[str, tuple[int, str]]] = {
    "datetime.datetime.fromtimestamp": (2, "a zone"),
    "email.utils.formatdate": (1, "a time"),
    "random.Random": (1, "a seed"),
}
"""Calls that read the world when they have fewer arguments than this, and what is missing then."""

BUILTINS: Final = _words("__import__ breakpoint compile eval exec hash input open")
"""`hash` of a text differs from process to process."""

THIRD_PARTY: Final[Mapping[str, str]] = {
    "orjson": "JSON of the value that it is given",
    "pydantic": "models: validates what it is given",
    "re2": "patterns in linear time",
    "typing_extensions": "types",
}
"""Packages that may be imported, each with its reason."""


@dataclass(frozen=True)
class Read:
    """A line that reads the world, and how a module comes to it."""

    chain: tuple[str, ...]
    """Module names, from the one that was asked about to the one that holds the line."""
    line: int
    what: str

    def __str__(self) -> str:
        return f"{' -> '.join(self.chain)}:{self.line}: {self.what}"


@dataclass
class _Source:
    """One module, read once."""

    imports: dict[str, None] = field(default_factory=dict)
    """Names of our modules, in order."""
    faults: list[tuple[int, str]] = field(default_factory=list)


def reads(
    module: str, folder: Path, third_party: Mapping[str, str] = THIRD_PARTY, *, ends: frozenset[str] = frozenset()
) -> Iterator[Read]:
    """Yield every such line in the import closure of `module`, over the packages that lie in `folder`.

    `ends`: modules whose imports are not followed. Raises FileNotFoundError when there is no such module.
    """
    chains: dict[str, tuple[str, ...]] = {}
    waiting: deque[tuple[str, tuple[str, ...]]] = deque([(module, (module,))])
    while waiting:
        name, chain = waiting.popleft()
        if name in chains or name in ends:
            continue
        chains[name] = chain
        source = _read(name, folder, frozenset(third_party))
        yield from (Read(chain, line, what) for line, what in source.faults)
        for each in source.imports:
            waiting.append((each, (*chain, each)))


def _path(module: str, folder: Path) -> Path | None:
    place = folder.joinpath(*module.split("."))
    return next((each for each in (place / "__init__.py", place.with_suffix(".py")) if each.is_file()), None)


@cache
def _read(module: str, folder: Path, third_party: frozenset[str]) -> _Source:
    path = _path(module, folder)
    if path is None:
        raise FileNotFoundError(f"there is no module {module} in {folder}")
    reader = _Reader(module, folder, third_party, is_package=path.name == "__init__.py")
    reader.visit(ast.parse(path.read_text(encoding="utf-8")))
    return reader.source


class _Reader(ast.NodeVisitor):
    """Collects the imports and the faults of one module. Names are resolved through imports and plain assignments."""

    def __init__(self, module: str, folder: Path, third_party: frozenset[str], *, is_package: bool) -> None:
        self.module, self.folder, self.third_party, self.is_package = module, folder, third_party, is_package
        self.source = _Source()
        self.names: dict[str, str] = {}
        """What a name of this module stands for: `dt` -> `datetime.datetime`."""
        self._ours(module.rpartition(".")[0])

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """What takes an `ActivityContext` is run by activities alone: workflow code has none to give."""
        parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        if not any(
            each.annotation is not None and ast.unparse(each.annotation) == "ActivityContext" for each in parameters
        ):
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        """What only a type checker reads does not run."""
        if ast.unparse(node.test) not in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            self.visit(node.test)
            for each in node.body:
                self.visit(each)
        for each in node.orelse:
            self.visit(each)

    def visit_Import(self, node: ast.Import) -> None:
        """`import a.b as c`."""
        for each in node.names:
            self._module(each.name, node)
            self.names[each.asname or each.name.partition(".")[0]] = (
                each.name if each.asname else each.name.partition(".")[0]
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """`from a import b as c`."""
        module = self._absolute(node)
        self._module(module, node)
        for each in node.names:
            self.names[each.asname or each.name] = f"{module}.{each.name}"
            if self._is_ours(module):
                self._ours(f"{module}.{each.name}")
            else:
                self._use(f"{module}.{each.name}", node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """`clock = datetime.now`: the new name stands for the same."""
        self.generic_visit(node)
        meaning = self._meaning(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name) and meaning is not None:
                self.names[target.id] = meaning

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A member of a module or of a class that was imported."""
        meaning = self._meaning(node)
        if meaning is not None:
            self._use(meaning, node)
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """A builtin that reaches outside."""
        if isinstance(node.ctx, ast.Load) and node.id in BUILTINS and node.id not in self.names:
            self._fault(node, f"{node.id}()")

    def visit_Call(self, node: ast.Call) -> None:
        """Calls whose arguments decide: a generator without a seed, a moment without a time zone."""
        meaning = self._meaning(node.func)
        count, missing = LOOKED_UP.get(meaning or "", (0, ""))
        if len(node.args) + len(node.keywords) < count:
            self._fault(node, f"{meaning}() without {missing}")
        if isinstance(node.func, ast.Attribute) and node.func.attr == "astimezone" and not (node.args or node.keywords):
            self._fault(node, "astimezone() without a zone: the machine's")
        self.generic_visit(node)

    def _meaning(self, node: ast.expr) -> str | None:
        """The dotted name for which an expression stands, by imports and assignments; None for anything else."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute) and (owner := self._meaning(node.value)) is not None:
            return f"{owner}.{node.attr}"
        return None

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.module.split(".") if self.is_package else self.module.split(".")[:-1]
        above = package[: len(package) - node.level + 1]
        return ".".join([*above, *((node.module or "").split(".") if node.module else [])])

    def _is_ours(self, module: str) -> bool:
        return _path(module.partition(".")[0], self.folder) is not None

    def _ours(self, module: str) -> None:
        """Follow a module of ours and the packages above it; a name that is no module is nothing to follow."""
        while module:
            if module != self.module and _path(module, self.folder) is not None:
                self.source.imports[module] = None
            module = module.rpartition(".")[0]

    def _module(self, module: str, node: ast.stmt) -> None:
        if self._is_ours(module):
            self._ours(module)
        elif module not in STANDARD and module not in PARTS and module.partition(".")[0] not in self.third_party:
            self._fault(node, f"imports {module}")

    def _use(self, name: str, node: ast.AST) -> None:
        """A dotted name that was imported; `ours.datetime.now` is what one of our modules imported."""
        if not self._is_ours(name):
            if _reads_the_world(name):
                self._fault(node, name)
            return
        parts = name.split(".")
        ends = [".".join(parts[first:]) for first in range(1, len(parts) - 1)]
        if any(_reads_the_world(end) or any(each.endswith(f".{end}") for each in DENIED) for end in ends):
            self._fault(node, name)

    def _fault(self, node: ast.AST, what: str) -> None:
        self.source.faults.append((getattr(node, "lineno", 0), what))


def _reads_the_world(name: str) -> bool:
    if name in DENIED:
        return True
    owners = [module for module in PARTS if name.startswith(f"{module}.")]
    return any(name.removeprefix(f"{owner}.").partition(".")[0] not in PARTS[owner] for owner in owners)
