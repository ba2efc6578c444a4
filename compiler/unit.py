"""What the passes share: one export on its way to a plan, and everything known about it so far."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from compiler.graph.graph import Link, NodeGraph
from compiler.sites.expression_sites import ExpressionSite, ParameterPath
from compiler.sites.programs import CodeProgram
from compiler.source.document import Document
from compiler.source.source import Lines
from compiler.suggest import suggestion
from schemas.diagnostic import Diagnostic, Location, Severity
from schemas.export import Export, ExportNode
from schemas.node import Catalog, Declared, Node
from schemas.plan import Plan

AGENT: Final = re.compile(r"(?:^|\s)agent:\s*([a-z0-9][a-z0-9_-]*)", re.IGNORECASE)
DEFAULT_TIMEZONE = "America/New_York"
"""n8n's own default (GENERIC_TIMEZONE)."""


@dataclass(frozen=True)
class CompileOptions:
    """How to compile.

    `allow_unsupported` turns nodes that cannot run into steps that fail when they are reached. `lenient` yields a plan
    for every export: each error of a node becomes an error of the run, as in n8n.
    `timezone` applies if the export names none.
    """

    allow_unsupported: bool = False
    lenient: bool = False
    timezone: str = DEFAULT_TIMEZONE
    ignore: tuple[str, ...] = ()
    """Codes, or beginnings of codes, that are not reported."""
    known: frozenset[str] | None = None
    """Ids and names of the workflows that can be called; None: not known."""
    workflow: int = 0
    """Which workflow of a document that holds several."""
    target: str | None = None
    """The version of n8n whose changes are reported (`compiler.targets`)."""


class Grade(StrEnum):
    """How faithfully a node runs here."""

    EXACT = "exact"
    DIFFERS = "differs"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Verdict:
    """How faithfully one node runs. `reason` is empty for exact ones."""

    node: str
    type: str
    version: float
    grade: Grade
    reason: str = ""


@dataclass(frozen=True)
class Compilation:
    """The result: a plan unless there is an error, and all findings, sorted by position."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]
    verdicts: tuple[Verdict, ...]
    file: str = ""
    export: Export | None = None
    document: Document = field(default_factory=Document)

    @property
    def text(self) -> str:
        """The whole document, without a byte order mark; empty when it came as parsed JSON."""
        return self.document.text

    @property
    def lines(self) -> Lines:
        """The lines of the document."""
        return self.document.lines

    @property
    def runnable(self) -> bool:
        """Whether the export runs: no finding is an error."""
        return self.export is not None and not any(each.level is Severity.ERROR for each in self.diagnostics)


@dataclass
class BoundNode:
    """A node with its class and its effective parameters."""

    node: ExportNode
    at: Location
    declared: type[Node] | None = None
    instance: Node | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    visible: dict[str, Declared] = field(default_factory=dict)
    """The visible declaration of each parameter."""
    texts: list[tuple[ParameterPath, str]] = field(default_factory=list)
    """Every string in its parameters, with its place."""
    expressions: tuple[ExpressionSite, ...] = ()
    """Its expressions."""
    programs: dict[str, CodeProgram] = field(default_factory=dict)
    """Its programs, by parameter."""
    reads: frozenset[str] | None = frozenset()
    problem: str | None = None
    """Why there is no class for it, in the author's terms."""
    outputs: int | None = None
    """Main outputs under these parameters, without the error output; None: not known."""
    required_inputs: int | tuple[int, ...] | None = None
    """How many, or which, inputs must have data."""
    misshapen: bool = False
    """Whether its parameters do not have the structure that its type expects; reported once."""
    unsupported: list[str] = field(default_factory=list)
    """Everything about it that this build cannot run."""
    issues: list[str] = field(default_factory=list)
    """Why n8n refuses to start a run that could reach it."""

    @property
    def specialist(self) -> str | None:
        """The slug of the specialist that the notes name."""
        match = AGENT.search(self.node.notes)
        return match[1].lower() if match else None


@dataclass
class Unit:
    """One export during its compilation. A pass reads what earlier passes wrote; `stop` ends the pipeline."""

    source: str | bytes | Mapping[str, Any]
    file: str
    catalog: Catalog
    options: CompileOptions = CompileOptions()
    document: Document | None = None
    """The parsed document; passed in if another workflow of the same document was compiled before."""
    base: str = ""
    """JSON Pointer of the workflow within the document."""
    export: Export | None = None
    pointers: dict[str, str] = field(default_factory=dict)
    """JSON Pointer of each node, by name."""
    graph: NodeGraph = field(default_factory=NodeGraph)
    dangling: list[Link] = field(default_factory=list)
    """Main connections to nodes that do not exist: n8n fails when it follows one."""
    bound: dict[str, BoundNode] = field(default_factory=dict)
    plan: Plan | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    stopped: bool = False
    hint_budget: int = 5_000
    """How many more names may be compared for hints."""

    def report(self, *diagnostics: Diagnostic) -> None:
        """Add findings."""
        self.diagnostics.extend(diagnostics)

    def stop(self, *diagnostics: Diagnostic) -> None:
        """Add findings and end the pipeline after the current pass."""
        self.report(*diagnostics)
        self.stopped = True

    def at(self, pointer: str = "", node: str | None = None) -> Location:
        """Return a location in the workflow; `pointer` is relative to the workflow."""
        bound = self.bound.get(node) if node is not None else None
        id_ = (bound.node.id or None) if bound else None
        return Location(file=self.file, pointer=self.base + pointer, node=node, node_id=id_)

    def hint(self, word: str, known: Iterable[str]) -> str:
        """Return "did you mean ...?" or an empty text. A document with thousands of wrong names gets hints for the
        first ones only.
        """
        listed = tuple(known)
        self.hint_budget -= len(listed)
        return suggestion(word, listed) if self.hint_budget > 0 else ""

    def at_node(self, name: str) -> Location:
        """Return the location of a node."""
        return self.bound[name].at if name in self.bound else self.at(self.pointers.get(name, ""), name)

    @property
    def size(self) -> int:
        """Characters of the document; 0 when it came as parsed JSON."""
        return len(self.document.text) if self.document is not None else 0

    @property
    def failed(self) -> bool:
        """Whether an error was reported."""
        return any(each.level is Severity.ERROR for each in self.diagnostics)
