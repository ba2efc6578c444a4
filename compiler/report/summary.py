"""The report for a terminal: figures, a bar, and what to build or replace first."""

from collections.abc import Iterator
from typing import Final

from compiler.report.coverage import Coverage
from compiler.report.text import Paint, one_line, plain
from compiler.unit import Grade
from schemas.diagnostic import Severity

INFO: Final = Severity.INFO.value
BAR_WIDTH: Final = 40
"""Characters."""
STYLES: Final = {Grade.EXACT: "good", Grade.DIFFERS: "warning", Grade.UNSUPPORTED: "error"}


def summary(coverage: Coverage, paint: Paint = plain, top: int = 15) -> Iterator[str]:
    """Yield the lines of the report for a terminal; `top` limits the length of each list."""
    exports = len(coverage.entries)
    yield f"{paint('exports', 'bold')}  {coverage.runnable} of {exports} runnable ({percent(coverage.runnable, exports)})"
    yield f"{paint('nodes', 'bold')}    {bar(coverage, paint)} {coverage.total}"
    for grade in Grade:
        share = percent(coverage.nodes[grade], coverage.total)
        yield f"         {paint(f'{grade.value:<12}', STYLES[grade])} {coverage.nodes[grade]:>6}  {share:>7}"
    missing = coverage.missing()
    if missing:
        yield ""
        yield paint("build or replace first", "bold") + "  (exports that need it, exports that then run)"
        for type_, uses, more in missing[:top]:
            yield f"  {uses:>5} {'+' + str(more):>6}  {one_line(type_)}"
        if len(missing) > top:
            yield paint(f"  and {len(missing) - top} more types (--format json has all)", "dim")
    others = sorted(coverage.codes.items(), key=lambda pair: (-pair[1], pair[0]))
    if others:
        yield ""
        yield paint("other errors", "bold") + "  (exports)"
        yield from (f"  {count:>5}  {code}" for code, count in others[:top])


def changes(coverage: Coverage, target: str, paint: Paint = plain) -> Iterator[str]:
    """Yield the lines about another version of n8n: per export, what it does otherwise with which node."""
    told = [(each.path, [line for line in each.changes if line.level != INFO]) for each in coverage.entries]
    concerned, total = sum(bool(lines) for _, lines in told), len(coverage.entries)
    notes = sum(len(each.changes) for each in coverage.entries) - sum(len(lines) for _, lines in told)
    more = f", {notes} notes about limits (--format json has all)" if notes else ""
    yield ""
    yield f"{paint(target, 'bold')}  changes {concerned} of {total} exports ({percent(concerned, total)}){more}"
    for path, lines in told:
        if lines:
            yield f"  {one_line(path)}"
            yield from (f"    {line.code} {one_line(line.text)}" for line in lines)


def bar(coverage: Coverage, paint: Paint) -> str:
    """Return the shares of exact, differing and unsupported nodes as one bar of `BAR_WIDTH` characters."""
    total = coverage.total or 1
    exact = round(BAR_WIDTH * coverage.nodes[Grade.EXACT] / total)
    differs = min(round(BAR_WIDTH * coverage.nodes[Grade.DIFFERS] / total), BAR_WIDTH - exact)
    rest = BAR_WIDTH - exact - differs if coverage.total else 0
    return paint("█" * exact, "good") + paint("▓" * differs, "warning") + paint("░" * rest, "error")


def percent(part: int, whole: int) -> str:
    """Return a share in per cent with one decimal; "-" if `whole` is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "-"
