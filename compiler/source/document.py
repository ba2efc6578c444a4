"""A JSON document, with indexes that are built once for all workflows in it.

`n8n export:workflow --all` writes one list of every workflow. Reading or searching the whole text again for each of
them would take time and memory that grow with the square of the list.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from compiler.source.source import Lines, Span, find_spans
from compiler.source.wrappers import find_workflows
from schemas.diagnostic import Diagnostic


@dataclass
class Document:
    """The text, its JSON value, and the reader's findings about the whole document."""

    text: str = ""
    """Empty for a document that came as parsed JSON."""
    value: Any = None
    findings: list[Diagnostic] = field(default_factory=list)

    @cached_property
    def workflows(self) -> tuple[str, ...]:
        """JSON Pointers of its workflows, in its order."""
        return tuple(find_workflows(self.value))

    @cached_property
    def lines(self) -> Lines:
        """Its lines."""
        return Lines(self.text)

    def findings_of(self, workflow: int) -> list[Diagnostic]:
        """Return the reader's findings inside this workflow; the first workflow also gets those outside of all
        workflows.
        """
        return self._by_workflow[workflow]

    def spans(self, pointers: Iterable[str], base: str) -> dict[str, Span]:
        """Return the spans of JSON Pointers. Only the workflow at `base` is searched, unless a pointer lies outside of
        it.
        """
        listed = set(pointers)
        if base not in self._spans or not all(_within(each, base) for each in listed):
            return find_spans(self.text, listed)
        return find_spans(self.text, listed, self._spans[base], base)

    @cached_property
    def _spans(self) -> dict[str, Span]:
        return find_spans(self.text, self.workflows) if len(self.workflows) > 1 else {}

    @cached_property
    def _by_workflow(self) -> defaultdict[int, list[Diagnostic]]:
        numbers = {base: number for number, base in enumerate(self.workflows)}
        by_workflow: defaultdict[int, list[Diagnostic]] = defaultdict(list)
        for each in self.findings:
            above = [each.at.pointer]
            while above[-1]:
                above.append(above[-1].rpartition("/")[0])
            by_workflow[next((numbers[path] for path in above if path in numbers), 0)].append(each)
        return by_workflow


def _within(path: str, base: str) -> bool:
    return path == base or path.startswith(base + "/")
