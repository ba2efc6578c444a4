"""Fields of items as the list nodes name and read them."""

from collections.abc import Callable
from typing import Any, Final

from runtime.values.javascript import js_string
from runtime.values.paths import get
from schemas.item import UNDEFINED

Json = dict[str, Any]
Reader = Callable[[Json, str], Any]

DOTS_HINT: Final = (
    "If you're trying to use a nested field, make sure you turn off 'disable dot notation' in the node options"
)


def reader(*, dots: bool) -> Reader:
    """Return a function that reads a field of an item's json, UNDEFINED when it is not there: by path, or by its exact
    name.
    """
    return get if dots else _plain


def _plain(json: Json, name: str) -> Any:
    return json.get(name, UNDEFINED)


def names(listed: Any) -> list[str]:
    """Return a comma-separated list of field names, or a list of such names, as a list without the empty ones."""
    parts = listed if isinstance(listed, list) else js_string(listed or "").split(",")
    return [stripped for stripped in (js_string(each).strip() for each in parts) if stripped]
