"""Curves of the tenant's figures: runs by status, durations, tokens and cost by template and agent."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.authentication import Principal
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console
from api.dependencies import Dependencies
from api.metrics import SeriesAnswer, read_series
from service.api_keys import KeyScope
from service.figure_series import SPANS

__all__ = ["FigurePageController"]

DAYS: Final = 7


class Chart(NamedTuple):
    """A drawing of some lines over time."""

    title: str
    unit: str
    """runs, ms, tokens or usd."""
    lines: Mapping[str, Sequence[float | None]]


class FigurePageController(Controller):
    """The page of curves."""

    path = "/console/figures"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.READ))
    async def show(
        self,
        request: Request[Principal, None, Any],
        dependencies: NamedDependency[Dependencies],
        days: Annotated[int, QueryParameter()] = DAYS,
        template: Annotated[str, QueryParameter(max_length=128)] = "",
    ) -> Response[bytes]:
        """Return the curves. Raises BadRequest: there are none over so many days."""
        series = await read_series(request.user.tenant, days, template or None, dependencies)
        keys = [each.key for each in await dependencies.store.summaries(request.user.tenant)]
        return page(
            request,
            "figures",
            days=days,
            spans=list(SPANS),
            template=template,
            templates=sorted({*keys, template} - {""}),
            series=series,
            charts=[each for each in charts_of(series) if any(map(any, each.lines.values()))],
        )


def charts_of(series: SeriesAnswer) -> list[Chart]:
    """Return the drawings of figures, those without lines too."""
    return [
        Chart("Runs by status", "runs", series.runs),
        Chart("Duration of runs", "ms", {"median": series.p50_ms, "95 of 100 below": series.p95_ms}),
        Chart("Tokens by template", "tokens", series.templates.tokens),
        Chart("Cost by template", "usd", series.templates.cost_usd),
        Chart("Tokens by agent", "tokens", series.agents.tokens),
        Chart("Cost by agent", "usd", series.agents.cost_usd),
    ]
