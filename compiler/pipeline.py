"""The compiler: a tuple of passes and one loop."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from compiler.passes.bind import bind
from compiler.passes.check import check
from compiler.passes.link import link
from compiler.passes.lower import lower
from compiler.passes.normalize import normalize
from compiler.passes.read import read
from compiler.passes.resolve import resolve
from compiler.source.document import Document
from compiler.source.locate import locate
from compiler.unit import DEFAULT_TIMEZONE, BoundNode, Compilation, CompileOptions, Grade, Unit, Verdict
from schemas.diagnostic.internal import CompilerBug
from schemas.node import Catalog

PASSES: Final[tuple[Callable[[Unit], None], ...]] = (read, normalize, link, resolve, bind, check, lower)


def compile_export(
    source: str | bytes | Mapping[str, Any],
    *,
    file: str,
    catalog: Catalog,
    allow_unsupported: bool = False,
    lenient: bool = False,
    timezone: str = DEFAULT_TIMEZONE,
    ignore: tuple[str, ...] = (),
    known: frozenset[str] | None = None,
    workflow: int = 0,
) -> Compilation:
    """Compile an n8n export to a plan and report every finding about it. Never raises because of what is in `source`.

    `source` is the export as text, bytes or parsed JSON; `workflow` says which one of a list of workflows. The plan is
    None if there is an error; with `lenient` only if the document is not an export. `ignore` lists codes, or beginnings
    of codes, not to report. `known` has the ids and names of workflows that can be called.
    """
    options = CompileOptions(allow_unsupported, lenient, timezone, ignore, known, workflow)
    return _compile(Unit(source, file, catalog, options))


def compile_exports(
    source: str | bytes | Mapping[str, Any],
    *,
    file: str,
    catalog: Catalog,
    allow_unsupported: bool = False,
    timezone: str = DEFAULT_TIMEZONE,
    ignore: tuple[str, ...] = (),
    known: frozenset[str] | None = None,
    target: str | None = None,
) -> Iterator[Compilation]:
    """Yield the compilation of each workflow of a document, in order; a document without one yields one compilation
    that says so.

    The document is read once, so that time and memory grow with its length. The arguments are `compile_export`'s.
    `target` is a version of n8n whose changes are reported, too (`compiler.targets`).
    """
    options = CompileOptions(allow_unsupported, timezone=timezone, ignore=ignore, known=known, target=target)
    first = _compile(Unit(source, file, catalog, options))
    yield first
    document = first.document
    del first
    for number in range(1, len(document.workflows)):
        yield _compile(Unit(source, file, catalog, replace(options, workflow=number), document))


def _compile(unit: Unit) -> Compilation:
    for run_pass in PASSES:
        try:
            run_pass(unit)
        except Exception as error:  # noqa: BLE001 - a fault of the compiler must not stop the other files
            unit.stop(CompilerBug(at=unit.at(), stage=run_pass.__name__, error=f"{type(error).__name__}: {error}"))
        if unit.stopped:
            break
    document = unit.document or Document()
    return Compilation(
        plan=None if unit.stopped else unit.plan,
        diagnostics=tuple(locate(unit.diagnostics, document, unit.base)),
        verdicts=tuple(_verdicts(unit)),
        file=unit.file,
        export=unit.export,
        document=document,
    )


def _verdicts(unit: Unit) -> Iterator[Verdict]:
    for bound in unit.bound.values():
        grade, reason = _grade(bound)
        yield Verdict(bound.node.name, bound.node.type, bound.node.type_version, grade, reason)


def _grade(bound: BoundNode) -> tuple[Grade, str]:
    if bound.declared is None or bound.unsupported:
        return Grade.UNSUPPORTED, "; ".join(bound.unsupported) or bound.problem or ""
    return (Grade.DIFFERS, bound.declared.differs) if bound.declared.differs else (Grade.EXACT, "")
