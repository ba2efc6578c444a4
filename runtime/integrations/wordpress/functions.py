"""WordPress: numbers of pages, and ids of posts."""

import re
from typing import Any, Final

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

_DIGITS: Final = re.compile(r"\s*([+-]?\d+)")


def next_page(scope: Scope) -> Any:
    """Return the number of the next page by the header `X-WP-TotalPages`; UNDEFINED after the last."""
    found = _DIGITS.match(js_string(scope.names["headers"].get("x-wp-totalpages", "")))
    number = scope.names["pageNumber"]
    return number + 1 if found is not None and int(found[1]) > number else UNDEFINED


def record_id(scope: Scope) -> int | None:
    """Return the number with which the id of a post or page begins; None without one."""
    given = scope.parameters.get("postId", scope.parameters.get("pageId", ""))
    found = _DIGITS.match(js_string(given))
    return int(found[1]) if found else None
