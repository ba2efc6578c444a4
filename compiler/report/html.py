"""The report as one self-contained page."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from compiler.report.coverage import Coverage
from compiler.report.summary import percent
from compiler.unit import Grade


def page(coverage: Coverage, target: str | None = None) -> str:
    """Return the report as HTML without scripts and external resources; every text in it is escaped.

    `target` is the version of n8n whose changes are shown.
    """
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    template = environment.get_template("report.html")
    return template.render(
        coverage=coverage, missing=coverage.missing(), grades=list(Grade), percent=percent, target=target
    )
