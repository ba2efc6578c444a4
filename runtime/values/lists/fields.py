"""Fields of items as the list nodes name and read them."""

from collections.abc import Callable
from typing import Any, Final

from runtime.values.javascript import is_text, js_string
from runtime.values.paths import get
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED

Json = dict[str, Any]
Reader = Callable[[Json, str], Any]

_DOTS_HINT: Final = (
    "If you're trying to use a nested field, make sure you turn off 'disable dot notation' in the node options"
)


def dots_hint(name: str, *, dots: bool) -> str | None:
    """Return n8n's advice for a field that is missing and looks like a path, where paths are turned off; else None."""
    return _DOTS_HINT if not dots and "." in name else None


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


def listed_names(listed: Any, title: str) -> list[str]:
    """Return the names of a parameter that is text with commas or a list. Raise ProblemError, with its title, for anything else."""
    if not (is_text(listed) or isinstance(listed, list)):
        raise ProblemError(
            f"The '{title}' parameter must be a string of fields separated by commas or an array of strings."
        )
    return names(listed)


def text_parts(value: Any, source: str = "this.getNodeParameter(...)") -> list[str]:
    """Return the parts of text between commas, stripped. Raise ProblemError, as JavaScript does, for what is no text."""
    if is_text(value):
        return [part.strip() for part in value.split(",")]
    if value is None or value is UNDEFINED:
        raise ProblemError(f"Cannot read properties of {js_string(value)} (reading 'split')")
    raise ProblemError(f"{source}.split is not a function")
