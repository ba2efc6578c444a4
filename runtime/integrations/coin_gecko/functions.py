"""CoinGecko: pages of lists, and what charts and tickers give."""

from datetime import UTC, datetime
from typing import Any, Final

from runtime.integrations.answers import elements_of, spliced
from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.dates import parse_date
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_PAGE: Final = 100


def next_page(scope: Scope) -> Any:
    """Return the number of the next page, counted from 1; UNDEFINED after one that is not full."""
    whole = scope.parameters.get("operation") == "market"
    return scope.names["page"] + 2 if not whole or len(scope.names["found"]) >= _PAGE else UNDEFINED


def some_coins(scope: Scope) -> Any:
    """Return coins, up to the limit. Raise NodeError for what is no list."""
    found = scope.names["response"]
    return found if scope.parameters.get("returnAll") else spliced(found, scope.parameters.get("limit"))


def tickers(scope: Scope) -> list[Any]:
    """Return the tickers of a page. Raise NodeError for an answer without a list of them."""
    return elements_of(scope.names["response"], "tickers", "length")


def some_tickers(scope: Scope) -> list[Any]:
    """Return tickers, up to the limit. Raise NodeError for an answer without a list of them."""
    return spliced(elements_of(scope.names["response"], "tickers", "splice"), scope.parameters.get("limit"))


def day(scope: Scope) -> str:
    """Return the date of a history as CoinGecko writes it: day, month, year in UTC."""
    given = scope.parameters.get("date")
    if not isinstance(given, int | float) and parse_date(js_string(given)) is None:
        return "Invalid date"
    year, month, date = FILTERS["date"](given).split("-")
    return f"{date}-{month}-{year}"


def candles(scope: Scope) -> Any:
    """Return candles with names; what is no list as it is."""
    found = scope.names["response"]
    if not isinstance(found, list):
        return found
    names = ("open", "high", "low", "close")
    return [
        {"time": _moment(each[0]), **dict(zip(names, each[1:], strict=False))}
        for each in found
        if isinstance(each, list)
    ]


def chart(scope: Scope) -> list[dict[str, Any]]:
    """Return the points of a chart. Raise NodeError for an answer without prices."""
    answer = scope.names["response"]
    points = elements_of(answer, "prices", "length")
    caps, volumes = (elements_of(answer, name, "0") for name in ("market_caps", "total_volumes"))
    return [
        {"time": _moment(point[0]), "price": point[1], "marketCaps": cap[1], "totalVolume": volume[1]}
        for point, cap, volume in zip(points, caps, volumes, strict=False)
    ]


def _moment(milliseconds: Any) -> Any:
    if not isinstance(milliseconds, int | float):
        return milliseconds
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
