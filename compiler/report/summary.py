"""The report for a terminal: figures, a bar, and what to build or replace first."""

from collections.abc import Iterator
from typing import Final

from compiler.report.coverage import Coverage
from compiler.report.text import Paint, one_line, plain
from compiler.unit import Grade

WIDTH: Final = 40
STYLES: Final = {Grade.EXACT: "good", Grade.DIFFERS: "warning", Grade.UNSUPPORTED: "error"}


def summary(found: Coverage, paint: Paint = plain, top: int = 15) -> Iterator[str]:
    """The lines to print."""
    exports = len(found.entries)
    yield f"{paint('exports', 'bold')}  {found.runnable} of {exports} runnable ({percent(found.runnable, exports)})"
    yield f"{paint('nodes', 'bold')}    {bar(found, paint)} {found.total}"
    for grade in Grade:
        share = percent(found.nodes[grade], found.total)
        yield f"         {paint(f'{grade.value:<12}', STYLES[grade])} {found.nodes[grade]:>6}  {share:>7}"
    missing = found.missing()
    if missing:
        yield ""
        yield paint("build or replace first", "bold") + "  (exports that need it, exports that then run)"
        for type_, uses, more in missing[:top]:
            yield f"  {uses:>5} {'+' + str(more):>6}  {one_line(type_)}"
        if len(missing) > top:
            yield paint(f"  and {len(missing) - top} more types (--format json has all)", "dim")
    others = sorted(found.codes.items(), key=lambda pair: (-pair[1], pair[0]))
    if others:
        yield ""
        yield paint("other errors", "bold") + "  (exports)"
        yield from (f"  {count:>5}  {code}" for code, count in others[:top])


def bar(found: Coverage, paint: Paint) -> str:
    """Exact, differing and unsupported nodes as one bar."""
    total = found.total or 1
    exact = round(WIDTH * found.nodes[Grade.EXACT] / total)
    differs = min(round(WIDTH * found.nodes[Grade.DIFFERS] / total), WIDTH - exact)
    rest = WIDTH - exact - differs if found.total else 0
    return paint("█" * exact, "good") + paint("▓" * differs, "warning") + paint("░" * rest, "error")


def percent(part: int, whole: int) -> str:
    """A share in per cent with one decimal."""
    return f"{100 * part / whole:.1f} %" if whole else "-"
